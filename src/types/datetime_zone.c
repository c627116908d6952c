/* Time zones without zone data: offsets, abbreviations with a fixed offset (PostgreSQL's default
 * set), and POSIX's "UTC+3". */
#include "base/assert.h"
#include "types/datetime_int.h"
#include "types/text_int.h"

enum { ZONE_HOURS_MAX = 15, QUARTER_SECONDS = 900 };

typedef struct Abbreviation {
    char name[6];
    int8_t quarters; /* of an hour, east of Greenwich */
    bool is_daylight;
} Abbreviation;

/* In order of name. */
static const Abbreviation abbreviations[] = {
    {"acdt", 42, true},   {"acsst", 42, true},  {"acst", 38, false},  {"act", -20, false},
    {"acwst", 35, false}, {"adt", -12, true},   {"aedt", 44, true},   {"aesst", 44, true},
    {"aest", 40, false},  {"aft", 18, false},   {"akdt", -32, true},  {"akst", -36, false},
    {"almst", 28, true},  {"almt", 24, false},  {"amt", -16, false},  {"ast", -16, false},
    {"awsst", 36, true},  {"awst", 32, false},  {"azost", 0, true},   {"azot", -4, false},
    {"bdst", 8, true},    {"bdt", 24, false},   {"bnt", 32, false},   {"bort", 32, false},
    {"bot", -16, false},  {"bra", -12, false},  {"brst", -8, true},   {"brt", -12, false},
    {"bst", 4, true},     {"btt", 24, false},   {"cadt", 42, true},   {"cast", 38, false},
    {"cct", 32, false},   {"cdt", -20, true},   {"cest", 8, true},    {"cet", 4, false},
    {"cetdst", 8, true},  {"chadt", 55, true},  {"chast", 51, false}, {"chut", 40, false},
    {"clst", -12, true},  {"cot", -20, false},  {"cst", -24, false},  {"cxt", 28, false},
    {"ddut", 40, false},  {"eat", 12, false},   {"edt", -16, true},   {"eest", 12, true},
    {"eet", 8, false},    {"eetdst", 12, true}, {"egst", 0, true},    {"egt", -4, false},
    {"est", -20, false},  {"fet", 12, false},   {"fjst", 52, true},   {"fjt", 48, false},
    {"fnst", -4, true},   {"fnt", -8, false},   {"galt", -24, false}, {"gamt", -36, false},
    {"gft", -12, false},  {"gilt", 48, false},  {"gmt", 0, false},    {"hkt", 32, false},
    {"hst", -40, false},  {"ict", 28, false},   {"idt", 12, true},    {"irt", 14, false},
    {"ist", 8, false},    {"jayt", 36, false},  {"jst", 36, false},   {"kdt", 40, true},
    {"kgst", 24, true},   {"kst", 36, false},   {"lhst", 42, false},  {"ligt", 40, false},
    {"mart", -38, false}, {"mdt", -24, true},   {"mest", 8, true},    {"mesz", 8, true},
    {"met", 4, false},    {"metdst", 8, true},  {"mez", 4, false},    {"mht", 48, false},
    {"mmt", 26, false},   {"mpt", 40, false},   {"msd", 16, true},    {"mst", -28, false},
    {"must", 20, true},   {"mut", 16, false},   {"mvt", 20, false},   {"myt", 32, false},
    {"ndt", -10, true},   {"nft", -14, false},  {"npt", 23, false},   {"nst", -14, false},
    {"nzdt", 52, true},   {"nzst", 48, false},  {"nzt", 48, false},   {"pdt", -28, true},
    {"pet", -20, false},  {"pgt", 40, false},   {"pht", 32, false},   {"pkst", 24, true},
    {"pkt", 20, false},   {"pmdt", -8, true},   {"pmst", -12, false}, {"pont", 44, false},
    {"pst", -32, false},  {"pwt", 36, false},   {"pyst", -12, true},  {"ret", 16, false},
    {"sadt", 42, true},   {"sast", 8, false},   {"sct", 16, false},   {"taht", -40, false},
    {"tft", 20, false},   {"tjt", 20, false},   {"tot", 52, false},   {"trut", 40, false},
    {"tvt", 48, false},   {"uct", 0, false},    {"ulast", 36, true},  {"ut", 0, false},
    {"utc", 0, false},    {"uyst", -8, true},   {"uyt", -12, false},  {"uzst", 24, true},
    {"uzt", 20, false},   {"vut", 44, false},   {"wadt", 32, true},   {"wakt", 48, false},
    {"wast", 28, false},  {"wat", 4, false},    {"wdt", 36, true},    {"wet", 0, false},
    {"wetdst", 4, true},  {"wft", 48, false},   {"wgst", -8, true},   {"wgt", -12, false},
    {"xjt", 24, false},   {"yapt", 40, false},  {"yekst", 24, true},  {"z", 0, false},
    {"zulu", 0, false},
};

/* Abbreviations whose offset changed in the course of time: they need zone data. */
static const char *const moving_abbreviations[] = {
    "amst",  "anast", "anat",  "arst", "art",   "azst", "azt",   "ckt",   "clt",   "davt",
    "easst", "east",  "fkst",  "fkt",  "gest",  "get",  "gyt",   "iot",   "irkst", "irkt",
    "kgt",   "kost",  "krast", "krat", "lhdt",  "lint", "lkt",   "magst", "magt",  "mawt",
    "msk",   "novst", "novt",  "nut",  "omsst", "omst", "petst", "pett",  "pyt",   "sgt",
    "tkt",   "tmt",   "ulat",  "vet",  "vlast", "vlat", "volt",  "yakst", "yakt",  "yekt",
};

static int compare_abbreviation(Slice name, const char *other)
{
    return slice_compare(name, slice_of_text(other));
}

enum ZoneKind zone_of_abbreviation(Slice name, int32_t *seconds_east)
{
    size_t low = 0;
    size_t high = sizeof abbreviations / sizeof abbreviations[0];
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_abbreviation(name, abbreviations[middle].name);
        if (order == 0) {
            *seconds_east = abbreviations[middle].quarters * QUARTER_SECONDS;
            return abbreviations[middle].is_daylight ? ZONE_DAYLIGHT : ZONE_FIXED;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    for (size_t i = 0; i < sizeof moving_abbreviations / sizeof moving_abbreviations[0]; i++) {
        if (slice_equal_text(name, moving_abbreviations[i]))
            return ZONE_NEEDS_DATA;
    }
    return ZONE_UNKNOWN;
}

/* Up to two digits, as POSIX writes them. */
static bool read_two_digits(Slice s, size_t *at, int32_t *out)
{
    size_t begin = *at;
    *out = 0;
    for (; *at < s.size && text_is_digit(s.data[*at]); ++*at)
        *out = *out * 10 + (s.data[*at] - '0');
    return *at > begin && *at - begin <= 2;
}

/* "+3", "-5:30", "+05:30:00" at the end of a POSIX zone, whose sign says how far west it is. */
static bool read_posix_offset(Slice s, size_t at, int32_t *seconds_east)
{
    bool negative = at < s.size && s.data[at] == '-';
    int32_t parts[3] = {0, 0, 0};
    if (at < s.size && (s.data[at] == '-' || s.data[at] == '+'))
        at++;
    for (int i = 0; i < 3; i++) {
        if (!read_two_digits(s, &at, &parts[i]))
            return false;
        if (at == s.size || s.data[at] != ':')
            break;
        at++;
    }
    if (at != s.size || parts[0] > 24 || parts[1] > 59 || parts[2] > 59)
        return false;
    int32_t seconds = (parts[0] * 60 + parts[1]) * 60 + parts[2];
    *seconds_east = negative ? seconds : -seconds;
    return true;
}

/* Names of zone data that have always been Greenwich's time. */
static bool is_greenwich(Slice name)
{
    static const char *const names[] = {"Etc/UTC",       "Etc/GMT",  "Etc/UCT",   "Etc/Universal",
                                        "Etc/Greenwich", "Etc/Zulu", "Universal", "Greenwich",
                                        "Etc/GMT0",      "GMT0",     "UCT",       "GMT+0",
                                        "GMT-0",         "Zulu"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_equal_ignoring_case(name, slice_of_text(names[i])))
            return true;
    }
    return false;
}

enum ZoneKind zone_of_name(Slice name, int32_t *seconds_east)
{
    *seconds_east = 0;
    if (is_greenwich(name))
        return ZONE_FIXED;
    size_t at = 0;
    if (name.size > 7 && slice_equal_ignoring_case(slice_part(name, 0, 7), SLICE("Etc/GMT")))
        at = 7;
    else
        while (at < name.size && text_is_letter(name.data[at]))
            at++;
    if ((at == 0 || at >= 3) && at < name.size && read_posix_offset(name, at, seconds_east))
        return ZONE_FIXED;
    return ZONE_NEEDS_DATA;
}

Status zone_not_here(Slice name, Error *error)
{
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                     "time zone \"%.*s\" is not supported here", SLICE_ARGUMENTS(name));
}

Status zone_read(Slice name, int32_t *seconds_east, Error *error)
{
    enum { NAME_BYTES = 16 };
    uint8_t lowered[NAME_BYTES];
    enum ZoneKind kind = ZONE_UNKNOWN;
    if (name.size <= NAME_BYTES) {
        for (size_t i = 0; i < name.size; i++)
            lowered[i] = text_lower_ascii(name.data[i]);
        kind = zone_of_abbreviation(slice_of(lowered, name.size), seconds_east);
    }
    if (kind == ZONE_UNKNOWN)
        kind = zone_of_name(name, seconds_east);
    return kind == ZONE_NEEDS_DATA ? zone_not_here(name, error) : OK;
}
