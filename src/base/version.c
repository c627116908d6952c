#include "base/version.h"

/* The Makefile gives these for this file; a build by other means says what it does not know. */
#ifndef FIRN_VERSION
#define FIRN_VERSION "unknown"
#endif
#ifndef FIRN_COMMIT
#define FIRN_COMMIT "unknown"
#endif
#ifndef FIRN_FLAVOR
#define FIRN_FLAVOR "unknown"
#endif

#define QUOTE(text)  #text
#define VALUE(macro) QUOTE(macro)

#if defined(__clang__)
#define COMPILER \
    "clang " VALUE(__clang_major__) "." VALUE(__clang_minor__) "." VALUE(__clang_patchlevel__)
#else
#define COMPILER "gcc " VALUE(__GNUC__) "." VALUE(__GNUC_MINOR__) "." VALUE(__GNUC_PATCHLEVEL__)
#endif

const char *version_number(void)
{
    return FIRN_VERSION;
}

const char *version_commit(void)
{
    return FIRN_COMMIT;
}

const char *version_flavor(void)
{
    return FIRN_FLAVOR;
}

const char *version_compiler(void)
{
    return COMPILER;
}

const char *version_text(void)
{
    return "Firn " FIRN_VERSION " (" FIRN_COMMIT ", " FIRN_FLAVOR ", " COMPILER ")";
}
