#include "types/calendar_int.h"

bool calendar_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int calendar_month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && calendar_is_leap(year));
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years begin in March here, so that the leap day is a year's last (Hinnant's days_from_civil). */
int64_t calendar_days(int64_t year, int month, int day)
{
    int64_t shifted = year - (month <= 2);
    int64_t era = floor_divide(shifted, 400);
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void calendar_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_of_year = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_of_year + 2) / 5 + 1);
    *month = (int)(month_of_year < 10 ? month_of_year + 3 : month_of_year - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

int64_t micros_to_days(int64_t micros, int64_t *clock)
{
    int64_t rest = micros % MICROS_PER_DAY;
    *clock = rest < 0 ? rest + MICROS_PER_DAY : rest;
    return micros / MICROS_PER_DAY - (rest < 0);
}

Moment moment_from_micros(int64_t micros)
{
    Moment moment;
    int64_t clock;
    int64_t days = micros_to_days(micros, &clock);
    calendar_from_days(days, &moment.year, &moment.month, &moment.day);
    moment.hour = (int)(clock / MICROS_PER_HOUR);
    moment.minute = (int)(clock / MICROS_PER_MINUTE % 60);
    moment.second = (int)(clock / MICROS_PER_SECOND % 60);
    moment.micro = (int)(clock % MICROS_PER_SECOND);
    return moment;
}

int64_t moment_clock(const Moment *moment)
{
    return moment->hour * MICROS_PER_HOUR + moment->minute * MICROS_PER_MINUTE +
           moment->second * MICROS_PER_SECOND + moment->micro;
}

bool moment_to_micros(const Moment *moment, int64_t *out)
{
    int64_t days = calendar_days(moment->year, moment->month, moment->day);
    int64_t micros;
    if (__builtin_mul_overflow(days, MICROS_PER_DAY, &micros) ||
        __builtin_add_overflow(micros, moment_clock(moment), &micros))
        return false;
    if (micros < TIMESTAMP_MICROS_MIN || micros > TIMESTAMP_MICROS_MAX)
        return false;
    *out = micros;
    return true;
}

int calendar_weekday(int64_t days)
{
    int64_t weekday = (days + 4) % 7;
    return (int)(weekday < 0 ? weekday + 7 : weekday);
}

int calendar_year_day(int64_t days)
{
    int64_t year;
    int month;
    int day;
    calendar_from_days(days, &year, &month, &day);
    return (int)(days - calendar_days(year, 1, 1)) + 1;
}

/* The week that holds January 4th is the first. */
int64_t calendar_iso_year_start(int64_t iso_year)
{
    int64_t fourth = calendar_days(iso_year, 1, 4);
    return fourth - (calendar_weekday(fourth) + 6) % 7;
}

int calendar_iso_week(int64_t days, int64_t *iso_year)
{
    int64_t year;
    int month;
    int day;
    calendar_from_days(days, &year, &month, &day);
    if (days < calendar_iso_year_start(year))
        year--;
    else if (days >= calendar_iso_year_start(year + 1))
        year++;
    *iso_year = year;
    return (int)((days - calendar_iso_year_start(year)) / 7) + 1;
}
