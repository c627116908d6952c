/* Functions of vectors. */
#include "sql/catalogue_int.h"

#define DISTANCE(NAME, SYMBOL, TEXT_)                                           \
    ROW(FUNCTION_SCALAR, NAME, FLOAT8, TAKES(VECTOR, VECTOR), .symbol = SYMBOL, \
        .description = TEXT_)

static const CatalogueFunction FUNCTIONS[] = {
    DISTANCE("cosine_distance", "vector_cosine_distance", "1 - cosine of the angle"),
    DISTANCE("inner_product", "vector_inner_product", "Sum of the products"),
    DISTANCE("l1_distance", "vector_l1_distance", "Sum of the differences"),
    DISTANCE("l2_distance", "vector_l2_distance", "Straight distance"),
    SCALAR("vector_dims", INT4, TAKES(VECTOR), "vector_dims", "Dimensions"),
    SCALAR("vector_norm", FLOAT8, TAKES(VECTOR), "vector_norm", "Length"),
};

const CatalogueFamily catalogue_vectors = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};
