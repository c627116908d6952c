/* Window functions. */
#include "sql/catalogue_int.h"

#define WINDOW(NAME, RESULT, ARGUMENTS, WRITER, TEXT_)                              \
    ROW(FUNCTION_WINDOW, NAME, RESULT, ARGUMENTS, .writer = WRITER, .engine = NAME, \
        .flags = FUNCTION_NULL_CALLED, .scale = SCALE_RULE_FIRST, .description = TEXT_)

static const CatalogueFunction FUNCTIONS[] = {
    WINDOW("cume_dist", FLOAT8, TAKES_NOTHING, WRITE_WINDOW, "Share of rows up to this one"),
    WINDOW("dense_rank", INT8, TAKES_NOTHING, WRITE_WINDOW, "Rank without gaps"),
    WINDOW("first_value", ELEMENT, TAKES(ELEMENT), WRITE_WINDOW, "Value of the frame's first row"),
    WINDOW("lag", ELEMENT, TAKES(ELEMENT), WRITE_WINDOW, "Value of the row before"),
    WINDOW("lag", ELEMENT, TAKES(ELEMENT, INT4), WRITE_WINDOW, "Value so many rows before"),
    WINDOW("lag", COMPATIBLE, TAKES(COMPATIBLE, INT4, COMPATIBLE), WRITE_WINDOW,
           "Value so many rows before, or another where there is none"),
    WINDOW("last_value", ELEMENT, TAKES(ELEMENT), WRITE_WINDOW, "Value of the frame's last row"),
    WINDOW("lead", ELEMENT, TAKES(ELEMENT), WRITE_WINDOW, "Value of the row behind"),
    WINDOW("lead", ELEMENT, TAKES(ELEMENT, INT4), WRITE_WINDOW, "Value so many rows behind"),
    WINDOW("lead", COMPATIBLE, TAKES(COMPATIBLE, INT4, COMPATIBLE), WRITE_WINDOW,
           "Value so many rows behind, or another where there is none"),
    WINDOW("nth_value", ELEMENT, TAKES(ELEMENT, INT4), WRITE_NTH_VALUE,
           "Value of the frame's n-th row"),
    WINDOW("ntile", INT4, TAKES(INT4), WRITE_NTILE, "Number of the part, of n parts"),
    WINDOW("percent_rank", FLOAT8, TAKES_NOTHING, WRITE_WINDOW, "Rank between 0 and 1"),
    WINDOW("rank", INT8, TAKES_NOTHING, WRITE_WINDOW, "Rank with gaps"),
    WINDOW("row_number", INT8, TAKES_NOTHING, WRITE_WINDOW, "Number of the row"),
};

const CatalogueFamily catalogue_windows = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};
