/* The Date header, from the days since 1970 by arithmetic (the calendar begins its year in March,
 * so that the leap day is the last of a year): no locale, no time zone, no lock. */
#include "net/http_int.h"

static const int64_t SECOND_US = 1000000;
static const int64_t DAY_SECONDS = 86400;

typedef struct CivilDay {
    int64_t year;
    int month; /* 1 to 12 */
    int day;
} CivilDay;

static CivilDay civil_of(int64_t days)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    CivilDay civil;
    civil.day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    civil.month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    civil.year = year_of_era + era * 400 + (civil.month <= 2);
    return civil;
}

static void put_digits(char *out, size_t count, int64_t value)
{
    for (size_t i = count; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

void http_date(int64_t wall_us, char out[HTTP_DATE_BYTES])
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t seconds = wall_us < 0 ? 0 : wall_us / SECOND_US;
    int64_t day = seconds / DAY_SECONDS;
    int64_t of_day = seconds % DAY_SECONDS;
    CivilDay civil = civil_of(day);
    memcpy(out, "Xxx, 00 Xxx 0000 00:00:00 GMT", HTTP_DATE_BYTES);
    memcpy(out, days + 3 * (day % 7), 3);
    put_digits(out + 5, 2, civil.day);
    memcpy(out + 8, months + 3 * (civil.month - 1), 3);
    put_digits(out + 12, 4, civil.year);
    put_digits(out + 17, 2, of_day / 3600);
    put_digits(out + 20, 2, of_day / 60 % 60);
    put_digits(out + 23, 2, of_day % 60);
}
