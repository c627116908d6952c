/* Version: what this program is. Known to version.o alone, so that a commit rebuilds one file.
 *
 * Threading: constants. Ownership: the texts are static. Errors: none. */
#ifndef FIRN_BASE_VERSION_H
#define FIRN_BASE_VERSION_H

const char *version_number(void);   /* "0.1.0" */
const char *version_commit(void);   /* "9433ea1c0f2b"; "unknown" where it was built without git */
const char *version_flavor(void);   /* "release" */
const char *version_compiler(void); /* "gcc 12.2.0" */
const char *version_text(void); /* all of it: "Firn 0.1.0 (9433ea1c0f2b, release, gcc 12.2.0)" */

#endif
