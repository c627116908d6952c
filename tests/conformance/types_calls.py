# Calls of numbers, texts, arrays, dates; run by types_cases.py, which defines call() and cast().

ours = {}  # answers that are ours on purpose, by (symbol, texts) or (source, text, target)

for kind, low, high in (("int2", -32768, 32767), ("int4", -2147483648, 2147483647),
                        ("int8", -9223372036854775808, 9223372036854775807)):
    low, high = str(low), str(high)
    for verb, operator in (("add", "+"), ("subtract", "-"), ("multiply", "*"), ("divide", "/"),
                           ("modulo", "%"), ("bit_and", "&"), ("bit_or", "|"), ("bit_xor", "#")):
        call("%s_%s" % (kind, verb), kind, "{0} %s {1}" % operator, kind + " " + kind,
             ("7", "2"), ("-7", "2"), ("7", "-2"), (high, "1"), (low, "-1"), (high, high),
             (low, low), ("0", "0"), ("7", None), ("5", "0"))
    call(kind + "_negate", kind, "- {0}", kind, "5", "0", low, high)
    call(kind + "_abs", kind, "abs({0})", kind, "-5", "0", low, high)
    call(kind + "_bit_not", kind, "~ {0}", kind, "5", "0", low)
    for verb, operator in (("shift_left", "<<"), ("shift_right", ">>")):
        call("%s_%s" % (kind, verb), kind, "{0} %s {1}" % operator, kind + " int4", ("1", "4"),
             ("-16", "2"), ("1", "15"), ("1", "31"), ("1", "32"), ("1", "33"), ("5", "64"),
             ("5", "-1"), (low, "1"), (high, "3"))
for kind in ("int4", "int8"):
    for verb in ("gcd", "lcm"):
        call("%s_%s" % (kind, verb), kind, verb + "({0}, {1})", kind + " " + kind, ("12", "18"),
             ("-12", "18"), ("0", "5"), ("0", "0"), ("2147483647", "2147483646"), ("7", "-13"))
    call(kind + "_to_hex", "text", "to_hex({0})", kind, "255", "0", "-1", "2147483647")
call("int4_gcd", "int4", "gcd({0}, {1})", "int4 int4", ("-2147483648", "0"),
     ("-2147483648", "-2147483648"), ("-2147483648", "6"))
call("int8_factorial", "numeric", "factorial({0})", "int8", "0", "1", "5", "20", "33", "-1")

floats = ("1.5", "-2.5", "0", "-0", "1e300", "-1e300", "1e-300", "NaN", "Infinity", "-Infinity",
          "0.1", "123456789.123456789")
for kind in ("float4", "float8"):
    values = floats if kind == "float8" else ("1.5", "-2.5", "0", "1e38", "1e-38", "NaN",
                                              "Infinity", "0.1", "3")
    for verb, operator in (("add", "+"), ("subtract", "-"), ("multiply", "*"), ("divide", "/")):
        call("%s_%s" % (kind, verb), kind, "{0} %s {1}" % operator, kind + " " + kind,
             *[(a, b) for a in values for b in values[::2]])
    call(kind + "_negate", kind, "- {0}", kind, *values)
    call(kind + "_abs", kind, "abs({0})", kind, *values)
for verb in "ceil floor round trunc sign sqrt cbrt exp ln degrees radians sin cos tan cot asin " \
            "acos atan sinh cosh tanh asinh acosh atanh".split():
    call("float8_" + verb, "float8", verb + "({0})", "float8", *floats, "0.5", "1", "-1", "2.5",
         "3.5", "-0.5", "1000", "-1000", "27")
call("float8_log10", "float8", "log({0})", "float8", *floats, "1000", "2")
call("float8_power", "float8", "power({0}, {1})", "float8 float8",
     *[(a, b) for a in ("2", "-2", "0", "1", "NaN", "Infinity", "-Infinity", "0.5", "-1", "10")
       for b in ("0", "1", "-1", "3", "0.5", "NaN", "Infinity", "-Infinity", "2000", "-3", "2")])
call("float8_atan2", "float8", "atan2({0}, {1})", "float8 float8", ("1", "2"), ("-1", "-2"),
     ("0", "-1"), ("NaN", "1"), ("Infinity", "Infinity"))
call("pi", "float8", "pi()", "", ())
buckets = [("5.35", "0.024", "10.06", "5"), ("-1", "0", "10", "5"), ("10", "0", "10", "5"),
           ("11", "0", "10", "5"), ("0", "0", "10", "5"), ("5", "10", "0", "5"), ("9.9999", "10",
           "0", "3"),
           ("0", "10", "0", "5"), ("11", "10", "0", "5"), ("5", "5", "5", "2"), ("5", "1", "9",
           "0"),
           ("5", "1", "9", "-3"), ("9.99999999999999", "0", "10", "3")]
call("float8_width_bucket", "int4", "width_bucket({0}, {1}, {2}, {3})",
     "float8 float8 float8 int4", *buckets, ("NaN", "0", "1", "2"), ("1", "0", "Infinity", "2"),
     ("Infinity", "0", "1", "2"), ("1", "-1.7e308", "1.7e308", "10"), ("5", "1", "9", "2147483647"))
call("numeric_width_bucket", "int4", "width_bucket({0}, {1}, {2}, {3})",
     "numeric numeric numeric int4", *buckets)
call("array_width_bucket", "int4", "width_bucket({0}, {1})", "int4 int4[]", ("5", "{1,3,5,9}"),
     ("0", "{1,3}"), ("10", "{1,3}"), ("1", "{}"), ("1", "{1,NULL}"))

# ---- numeric ----
numbers = ("7", "-7.25", "2.00", "0", "0.00", "1.000", "100000.5", "0.003", "3", "22.0",
           "-0.0001", "12345678901234567890", "1e-10", "99999.99999", "30000.0")
for verb, operator in (("add", "+"), ("subtract", "-"), ("multiply", "*"), ("divide", "/"),
                       ("modulo", "%")):
    call("numeric_" + verb, "numeric", "{0} %s {1}" % operator, "numeric numeric",
         *[(a, b) for a in numbers for b in numbers[::2]])
call("numeric_quotient", "numeric", "div({0}, {1})", "numeric numeric", ("7", "2"), ("-7.5", "2"),
     ("7.5", "-0.5"), ("1", "0"), ("1e20", "3"), ("0.5", "0.3"))
for verb in "abs ceil floor round trunc sign".split():
    call("numeric_" + verb, "numeric", verb + "({0})", "numeric", *numbers, "2.5", "-2.5", "3.5",
         "0.5", "-0.5", "99999999999999999999999999999999999999", "0.49999", "-1.999")
call("numeric_negate", "numeric", "- {0}", "numeric", "1.50", "0.00", "-3")
for verb, name in (("round_to", "round"), ("trunc_to", "trunc")):
    call("numeric_" + verb, "numeric", name + "({0}, {1})", "numeric int4", ("2.789", "1"),
         ("-2.785", "2"), ("12345", "-2"), ("12345", "-6"), ("15", "-1"), ("1.5", "3"),
         ("1.005", "2"), ("0.05", "1"), ("99.995", "2"), ("55", "-2"), ("45", "-2"), ("1", "-40"),
         ("123.456", "0"))
call("numeric_scale", "int4", "scale({0})", "numeric", "8.4100", "8", "0.000")
call("numeric_min_scale", "int4", "min_scale({0})", "numeric", "8.4100", "8", "0.000", "-1.10")
call("numeric_trim_scale", "numeric", "trim_scale({0})", "numeric", "8.4100", "800", "0.000")
call("numeric_sqrt", "numeric", "sqrt({0})", "numeric", "2", "2.0", "16", "0", "0.0001", "1e-10",
     "123456789012.5", "1e30", "-1", "99999999999999999999", "0.25", "12345.6789", "1e-20", "3")
call("numeric_exp", "numeric", "exp({0})", "numeric", "0", "1", "1.0", "-1", "0.0001", "10.5",
     "-3.5", "50.0", "20", "-10", "0.693147", "2.718281828459045", "-0.5", "31.4")
call("numeric_ln", "numeric", "ln({0})", "numeric", "1", "1.0", "2", "10", "0.5", "0.95", "1.0001",
     "123456789", "1e-10", "2.5e-18", "1e30", "0", "-1", "2.718281828459045", "0.999999")
call("numeric_log10", "numeric", "log({0})", "numeric", "100", "2", "1000.000", "0.001", "1e20",
     "0", "-3", "1", "7.5")
call("numeric_log", "numeric", "log({0}, {1})", "numeric numeric", ("2", "8"), ("2.0", "64.0"),
     ("3", "9.00"), ("10", "0.5"), ("0.5", "2"), ("1", "2"), ("2", "1"), ("0", "1"), ("2", "-1"),
     ("7", "123456789"), ("1.0001", "2"))
call("numeric_power", "numeric", "power({0}, {1})", "numeric numeric", ("2", "10"), ("2.0", "10"),
     ("1.5", "2"), ("10", "-3.0"), ("0.5", "3"), ("2.5", "21"), ("0.0", "0.5"), ("0.00", "0"),
     ("2", "0.5"), ("2", "-0.5"), ("9", "1.5"), ("-2", "3"), ("-2", "4"), ("-2", "0.5"),
     ("0", "-1"), ("0", "2"), ("1", "1000000"), ("1.0000001", "1000"), ("3", "1"), ("3.55", "-1"),
     ("7", "-2"), ("0.1", "5"), ("10", "20"), ("1.1", "50"), ("123.456", "2"), ("0.99", "0.01"))
call("numeric_gcd", "numeric", "gcd({0}, {1})", "numeric numeric", ("12", "18"), ("1.5", "0.25"),
     ("0", "5"), ("-12", "18.0"))
call("numeric_lcm", "numeric", "lcm({0}, {1})", "numeric numeric", ("12", "18"), ("1.5", "0.25"),
     ("0", "5"), ("-12", "18.0"))

# ---- choices ----
call("any_greatest", "int4", "greatest({*})", "int4 int4 int4", ("1", None, "3"), (None, None,
    None),
     ("3", "2", "1"))
call("any_least", "text", "least({*})", "text text", ("b", "a"), (None, "a"))
call("any_greatest", "float8", "greatest({*})", "float8 float8", ("NaN", "1"), ("-1", "Infinity"))
call("any_nullif", "int4", "nullif({0}, {1})", "int4 int4", ("1", "1"), ("1", "2"), (None, "1"),
     ("1", None))
call("any_num_nulls", "int4", "num_nulls({*})", "int4 text", ("1", None), (None, None))
call("any_num_nonnulls", "int4", "num_nonnulls({*})", "int4 text", ("1", None), (None, None))
call("concat", "text", "concat({*})", "text int4 bool float8 date numeric",
     ("a", "1", "t", "1.5", "2020-01-05", "1.50"), ("a", None, "f", "1e20", None, "0"))
call("concat_ws", "text", "concat_ws({*})", "text text int4 text", (",", "a", "1", "b"),
     (",", None, "1", ""), (None, "a", "1", "b"), ("", "a", None, "b"))
call("current_user", "text", "'alice'::text", "", ())

# ---- text ----
words = ("", "abc", "héllo wörld", "ÄÖÜ ß ǅ İ ı", "a b  c", "Ünïcödé Ǆ ΑΒΓ ς 日本", "it's \\ \"q\"",
         "  padded  ", "ABC def-ghi_jkl 9mno", "😀x", "ﬀ ŉ ǰ", "ꙁ Ꙁ ⱥ Ⱥ ȿ Ȿ")
for verb, name in (("length", "length"), ("octet_length", "octet_length"),
                   ("bit_length", "bit_length"), ("ascii", "ascii")):
    call("text_" + verb, "int4", name + "({0})", "text", *words)
for verb, name in (("lower", "lower"), ("upper", "upper"), ("initcap", "initcap"),
                   ("reverse", "reverse"), ("md5", "md5"), ("quote_literal", "quote_literal"),
                   ("quote_ident", "quote_ident"), ("quote_nullable", "quote_nullable")):
    call("text_" + verb, "text", name + "({0})", "text", *words, None, "select", "Abc", "a1_$",
         "1a", "user", "date", "table", "_x")
call("text_concat", "text", "{0} || {1}", "text text", ("a", "b"), ("", ""), ("a", None))
call("bytea_concat", "bytea", "{0} || {1}", "bytea bytea", ("\\x01", "\\x02ff"), ("", ""))
call("text_substring", "text", "substring({*})", "text int4 int4", ("abcdef", "2"), ("abcdef", "0"),
     ("abcdef", "-2"), ("abcdef", "10"), ("abcdef", "2", "3"), ("abcdef", "0", "3"),
     ("abcdef", "-1", "3"), ("abcdef", "-5", "3"), ("abcdef", "2", "-1"), ("abcdef", "2", "0"),
     ("abcdef", "2", "2147483647"), ("héllo", "2", "3"), ("日本語", "2", "1"),
     ("abc", "2147483647", "2147483647"), ("abc", "-2147483648", "2147483647"))
call("bytea_substring", "bytea", "substring({*})", "bytea int4 int4", ("\\x010203", "2"),
     ("\\x010203", "0", "2"), ("\\x010203", "2", "5"), ("\\x010203", "9"), ("\\x01", "1", "-1"))
for verb in ("left", "right"):
    call("text_" + verb, "text", verb + "({0}, {1})", "text int4", ("abcde", "2"), ("abcde", "-2"),
         ("abcde", "0"), ("abcde", "10"), ("abcde", "-10"), ("héllo", "2"), ("héllo", "-2"),
         ("abc", "-2147483648"), ("abc", "2147483647"))
for verb in ("btrim", "ltrim", "rtrim"):
    call("text_" + verb, "text", verb + "({*})", "text text", ("  a b  ",), ("xxabcxx", "x"),
         ("xyabcyx", "yx"), ("ééaé", "é"), ("abc", ""), ("", "x"), ("\t a\t",), ("aaa", "a"),
         ("日本日", "日"), ("éa", "\u00e8"))
for verb in ("lpad", "rpad"):
    call("text_" + verb, "text", verb + "({*})", "text int4 text", ("abc", "5"), ("abc", "2"),
         ("abc", "0"), ("abc", "-1"), ("abc", "8", "xy"), ("abc", "5", ""), ("abc", "6", "é日"),
         ("", "3", "ab"), ("abc", "2", ""))
call("text_repeat", "text", "repeat({0}, {1})", "text int4", ("ab", "3"), ("ab", "0"), ("ab", "-1"),
     ("", "5"))
call("text_replace", "text", "replace({0}, {1}, {2})", "text text text", ("abcabc", "b", "xx"),
     ("abc", "", "x"), ("", "a", "b"), ("aaa", "aa", "b"), ("abc", "abc", ""), ("héé", "é", "e"))
call("text_translate", "text", "translate({0}, {1}, {2})", "text text text", ("12345", "143", "ax"),
     ("abc", "", "x"), ("aabb", "ab", "b"), ("héllo", "éo", "e0"), ("aba", "aa", "xy"))
call("text_position", "int4", "strpos({0}, {1})", "text text", ("abc", "b"), ("abc", "z"),
     ("abc", ""), ("", ""), ("", "a"), ("héllo", "l"), ("日本語", "語"))
call("bytea_position", "int4", "position({1} in {0})", "bytea bytea", ("\\x010203", "\\x02"),
     ("\\x01", "\\x"), ("\\x01", "\\x02"))
call("text_split_part", "text", "split_part({0}, {1}, {2})", "text text int4", ("a,b,c", ",", "2"),
     ("a,b,c", ",", "-1"), ("a,b,c", ",", "-3"), ("a,b,c", ",", "-4"), ("a,b,c", ",", "4"),
     ("a,b,c", ",", "0"), ("abc", "", "1"), ("abc", "", "2"), ("abc", "", "-1"), ("", ",", "1"),
     ("a~~b", "~~", "2"), ("abc", "x", "1"), ("abc", "x", "-1"), ("a,,b", ",", "2"),
     ("aaaa", "aa", "2"), ("aaa", "aa", "-1"), ("a,b", ",", "-2"), (",a,", ",", "1"))
call("text_starts_with", "bool", "starts_with({0}, {1})", "text text", ("abc", "ab"), ("abc", "b"),
     ("abc", ""), ("", "a"))
call("int4_chr", "text", "chr({0})", "int4", "65", "233", "8364", "128512", "0", "-1", "1114112",
     "55296", "127", "2048", "65536")
call("text_overlay", "text", "overlay({0} placing {1} from {2})", "text text int4",
     ("Txxxxas", "hom", "2"), ("abc", "X", "1"), ("abc", "XYZW", "2"), ("abc", "X", "10"),
     ("abc", "X", "0"), ("abc", "X", "-1"), ("héllo", "e", "2"))
call("text_overlay", "text", "overlay({0} placing {1} from {2} for {3})", "text text int4 int4",
     ("Txxxxas", "hom", "2", "4"), ("abc", "X", "2", "0"), ("abc", "X", "2", "-1"),
     ("abc", "X", "2", "100"), ("abc", "X", "2147483647", "2147483647"))
call("bytea_length", "int4", "length({0})", "bytea", "", "\\x0102")
call("bytea_bit_length", "int4", "bit_length({0})", "bytea", "\\x0102")
call("bytea_md5", "text", "md5({0})", "bytea", "", "\\x00ff")
for bits in ("224", "256", "384", "512"):
    call("bytea_sha" + bits, "bytea", "sha" + bits + "({0})", "bytea", "", "abc")
blobs = ("", "\\x00", "\\x0102ff", "abc\\\\def", "\\x" + "61" * 56, "\\x" + "61" * 57,
         "\\x" + "61" * 58, "\\x" + "ff" * 60)
call("bytea_encode", "text", "encode({0}, {1})", "bytea text",
     *[(b, f) for b in blobs for f in ("hex", "base64", "escape")], ("abc", "HEX"), ("abc", "no"))
call("text_decode", "bytea", "decode({0}, {1})", "text text", ("0102ff", "hex"), ("010", "hex"),
     ("0g", "hex"), ("01 02", "hex"), ("0 1", "hex"), ("YWJj", "base64"), ("YWI=", "base64"),
     ("YQ==", "base64"), ("YQ==YQ==", "base64"), ("YQ=a", "base64"), ("==", "base64"),
     ("Y===", "base64"), ("YQ=", "base64"), ("Y Q\n==", "base64"), ("Y*Q=", "base64"),
     ("Yéa=", "base64"), ("a\\\\b\\001", "escape"), ("a\\b", "escape"), ("a\\400", "escape"),
     ("x", "nope"))
call("text_format", "text", "format({*})", "text text text", ("Hello %s",  "World"),
     ("%s %s", "a", "b"), ("%2$s %1$s", "a", "b"), ("%I=%L", "a b", "it's"), ("%s", None),
     ("%L", None), ("%I", None), ("%%", ), ("%", ), ("%x", "a"), ("%s", ), ("%10s|", "ab"),
     ("%-10s|", "ab"), ("%0$s", "a"), ("%1$", "a"), ("%3$s", "a"), ("%1", "a"), ("%-", "a"),
     ("%1$s %s", "a", "b"), ("%L", "a\\b"), ("%2s", "é日本"), ("%-5I|", "Ab"), ("%s%", "a"),
     (None, "a"), ("%5%", "a"), ("é%s", "x"), ("%é", "x"))
call("text_format", "text", "format({*})", "text int4 text", ("%*s|", "5", "ab"),
     ("%-*s|", "5", "ab"), ("%*s|", "-5", "ab"), ("%*1$s|", "5", "ab"), ("%2$*1$s|", "6", "ab"),
     ("%*s", None, "ab"), ("%*0$s", "5", "x"), ("%*1s", "5", "x"), ("%s %s", "5", "x"))
for verb, operator in (("like", "LIKE"), ("ilike", "ILIKE")):
    call("text_" + verb, "bool", "{0} %s {1}" % operator, "text text", ("abc", "abc"),
         ("abc", "a%"), ("abc", "%c"), ("abc", "_b_"), ("abc", "a"), ("abc", "%"), ("", "%"),
         ("", ""), ("", "_"), ("abc", "ABC"), ("abc", "A_C"), ("a%c", "a\\%c"), ("abc", "a\\%c"),
         ("a_c", "a\\_c"), ("a\\c", "a\\\\c"), ("abc", "abc\\"), ("abcd", "abc\\"), ("abc", "%\\"),
         ("héllo", "h_llo"), ("héllo", "%l_"), ("日本語", "__語"), ("ÄBC", "äbc"), ("aXbXc", "a%b%c"),
         ("aaa", "%a%a%a%a"), ("aaaa", "%aa%aa"), ("mississippi", "m%iss%ip%i"), ("abc", "%%%"),
         ("abc", "___"), ("abc", "____"), ("abcbc", "a%bc"), ("x", "\\x"), ("xyz", "%y%"),
         ("a\nb", "a%b"), ("ab", "a_%"), ("a", "a_%"), ("ab", "%_%_%"), ("é", "_"), ("SS", "ß"))
call("bytea_like", "bool", "{0} LIKE {1}", "bytea bytea", ("abc", "a%"), ("\\xc3a9", "__"),
     ("\\xc3a9", "_"), ("abc", "b%"))
call("text_like_escape", "text", "like_escape({0}, {1})", "text text", ("a#%b", "#"), ("a\\b", "#"),
     ("a##b", "#"), ("a\\b", ""), ("a%b", "\\"), ("ab", "##"), ("aé%b", "é"), ("#", "#"),
     ("a#\\b", "#"))

# ---- arrays ----
call("text_to_array", "text[]", "string_to_array({*})", "text text text", ("a,b,c", ","),
     ("a,b,c", None), ("", ","), ("abc", ""), (None, ","), ("a,,c", ","), ("a,x,c", ",", "x"),
     ("a,,c", ",", ""), ("héé", None), ("a~~b~~", "~~"), ("abc", "x", None))
call("array_to_text", "text", "array_to_string({*})", "text[] text text", ("{a,b}", "-"),
     ("{a,NULL,b}", ","), ("{a,NULL,b}", ",", "*"), ("{}", ","), (None, ","), ("{a}", None),
     ("{NULL,NULL}", ",", "x"))
call("array_to_text", "text", "array_to_string({*})", "int4[] text", ("{1,2}", "-"))
call("array_to_text", "text", "array_to_string({*})", "bool[] text", ("{t,f}", "-"))
for verb in ("length", "upper", "lower"):
    call("array_" + verb, "int4", "array_" + verb + "({0}, {1})", "int4[] int4", ("{1,2,3}", "1"),
         ("{1,2,3}", "2"), ("{}", "1"), ("{1}", "0"), (None, "1"))
call("array_cardinality", "int4", "cardinality({0})", "int4[]", "{1,2,3}", "{}")
call("array_ndims", "int4", "array_ndims({0})", "int4[]", "{1,2,3}", "{}")
call("array_dims", "text", "array_dims({0})", "int4[]", "{1,2,3}", "{}")
call("array_get", "int4", "({0})[{1}]", "int4[] int4", ("{5,6}", "1"), ("{5,6}", "0"),
     ("{5,6}", "3"), ("{5,6}", "-1"), ("{5,NULL}", "2"), ("{5}", None))
call("array_slice", "int4[]", "({0})[{1}:{2}]", "int4[] int4 int4", ("{5,6,7}", "2", "3"),
     ("{5,6,7}", "0", "2"), ("{5,6,7}", "3", "9"), ("{5,6,7}", "3", "2"), ("{5,6}", "-5", "-1"),
     ("{5,6,7}", "-2147483648", "2"), ("{5}", None, "1"))
call("array_any_equal", "bool", "{0} = ANY({1})", "int4 int4[]", ("1", "{1,2}"), ("3", "{1,2}"),
     ("3", "{1,NULL}"), ("1", "{1,NULL}"), (None, "{1}"), (None, "{}"), ("1", "{}"), ("1", None))
call("array_all_not_equal", "bool", "{0} <> ALL({1})", "int4 int4[]", ("1", "{1,2}"),
     ("3", "{1,2}"), ("3", "{1,NULL}"), (None, "{1}"), (None, "{}"), ("1", "{}"), ("1", None))
for verb, operator in (("contains", "@>"), ("contained", "<@"), ("overlaps", "&&")):
    call("array_" + verb, "bool", "{0} %s {1}" % operator, "int4[] int4[]", ("{1,2,3}", "{2}"),
         ("{2}", "{1,2}"), ("{1,2}", "{}"), ("{}", "{}"), ("{1,NULL}", "{NULL}"), ("{1}", "{2}"),
         ("{1,2}", "{2,1}"))
call("array_concat", "int4[]", "{0} || {1}", "int4[] int4[]", ("{1}", "{2}"), ("{}", "{}"),
     (None, "{1}"), ("{1}", None), (None, None))
call("array_append", "int4[]", "array_append({0}, {1})", "int4[] int4", ("{1}", "2"), ("{}", "2"),
     (None, "2"), ("{1}", None))
call("array_prepend", "int4[]", "array_prepend({0}, {1})", "int4 int4[]", ("1", "{2}"),
     ("1", None), (None, "{2}"))
call("array_remove", "int4[]", "array_remove({0}, {1})", "int4[] int4", ("{1,2,1}", "1"),
     ("{1,NULL}", None), ("{1}", "2"), (None, "1"))
call("array_replace", "int4[]", "array_replace({0}, {1}, {2})", "int4[] int4 int4",
     ("{1,2,1}", "1", "9"), ("{1,NULL}", None, "0"), ("{1}", "1", None), (None, "1", "2"))
call("array_position", "int4", "array_position({*})", "text[] text int4", ("{a,b,a}", "a"),
     ("{a,b,a}", "a", "2"), ("{a,b}", "z"), ("{a,NULL}", None), (None, "a"), ("{a}", "a", "-5"),
     ("{a}", "a", None))
call("array_positions", "int4[]", "array_positions({0}, {1})", "int4[] int4", ("{1,2,1}", "1"),
     ("{1}", "5"), ("{NULL,1,NULL}", None), (None, "1"))
call("array_trim", "int4[]", "trim_array({0}, {1})", "int4[] int4", ("{1,2,3}", "1"),
     ("{1,2,3}", "3"), ("{1,2}", "5"), ("{1,2}", "-1"), ("{}", "0"))

# ---- dates and times ----
days = ("2020-01-31", "2020-02-29", "1999-12-31", "0044-03-15 BC", "infinity", "-infinity",
        "9999-12-31", "1970-01-01", "2000-01-01", "4714-11-24 BC", "5874897-12-31", "0001-01-01")
call("date_add_days", "date", "{0} + {1}", "date int4", *[(d, "7") for d in days],
     ("2020-01-01", "-400"), ("5874897-12-31", "1"), ("4714-11-24 BC", "-1"))
call("date_subtract_days", "date", "{0} - {1}", "date int4", *[(d, "31") for d in days],
     ("2020-01-01", "-2147483648"))
call("date_subtract", "int4", "{0} - {1}", "date date", *[(d, "2020-03-01") for d in days])
intervals = ("1 day", "1 mon", "-1 mon", "1 year 2 mons 3 days 04:05:06.789", "25:00:00",
             "-00:00:01", "1 mon -1 day", "-1 years -2 mons -3 days -04:05:06", "0", "100 years",
             "1000000 hours", "00:00:00.000001")
call("date_add_interval", "timestamp", "{0} + {1}", "date interval",
     *[(d, i) for d in days[:7] for i in intervals[::2]])
call("date_subtract_interval", "timestamp", "{0} - {1}", "date interval",
     *[(d, i) for d in days[:7] for i in intervals[1::3]])
call("date_add_time", "timestamp", "{0} + {1}", "date time", ("2020-01-01", "10:11:12"),
     ("infinity", "10:00"), ("2020-01-01", "24:00"))
moments = ("2020-02-19 10:11:12.345678", "1999-12-31 23:59:59.999999", "2020-02-29 00:00:00",
           "0044-03-15 12:00:00 BC", "infinity", "-infinity", "1969-12-31 23:59:59.5",
           "2020-12-31 15:45:30", "2021-01-03 08:09:10.1", "0001-01-01 00:00:00",
           "4714-11-24 00:00:00 BC", "12345-06-07 01:02:03", "2001-01-01 00:00:00")
for kind in ("timestamp", "timestamptz"):
    call(kind + "_add_interval", kind, "{0} + {1}", kind + " interval",
         *[(m, i) for m in moments for i in intervals])
    call(kind + "_subtract_interval", kind, "{0} - {1}", kind + " interval",
         *[(m, i) for m in moments[:9:2] for i in intervals])
    call(kind + "_subtract", "interval", "{0} - {1}", kind + " " + kind,
         *[(a, b) for a in moments for b in moments[::3]])
    call(kind + "_age", "interval", "age({0}, {1})", kind + " " + kind,
         *[(a, b) for a in moments for b in moments[::3]], ("2020-03-31", "2020-02-29"),
         ("2020-02-29", "2020-03-31"), ("2020-03-01", "2020-01-31"), ("2019-03-01", "2020-02-29"),
         ("2020-01-01 00:00", "2020-01-01 12:30:00.5"))
    call(kind + "_bin", kind, "date_bin({0}, {1}, {2})", "interval %s %s" % (kind, kind),
         ("15 minutes", "2020-02-11 15:44:17", "2001-01-01"),
         ("15 minutes", "2000-02-11 15:44:17", "2001-01-01 00:07:30"),
         ("1 mon", "2020-02-11", "2001-01-01"), ("0 days", "2020-02-11", "2001-01-01"),
         ("-1 days", "2020-02-11", "2001-01-01"), ("5 days", "infinity", "2001-01-01"),
         ("5 days", "2020-01-01", "infinity"), ("7 days", "2020-02-11 15:44:17", "2001-01-01"))
units = ("microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month",
         "quarter", "year", "decade", "century", "millennium", "dow", "epoch", "Nope", "HOURS",
         "timezone", "julian", "isodow", "isoyear", "doy", "mil", "us", "timezone_hour", "y",
         "timezone_minute", "d", "j", "infinity", "now", "")
call("date_trunc_timestamp", "timestamp", "date_trunc({0}, {1})", "text timestamp",
     *[(u, m) for u in units for m in moments[:9]])
call("date_trunc_timestamptz", "timestamptz", "date_trunc({0}, {1})", "text timestamptz",
     *[(u, m) for u in units[:14] for m in moments[7:]])
call("date_trunc_timestamptz", "timestamptz", "date_trunc({0}, {1}, {2})",
     "text timestamptz text", ("day", "2020-02-19 23:30:00", "EST"),
     ("hour", "2020-02-19 23:30:00", "+05:30"), ("month", "2020-02-29 23:30:00", "UTC"))
call("date_trunc_interval", "interval", "date_trunc({0}, {1})", "text interval",
     *[(u, i) for u in units[:16] for i in ("1234 years 5 mons 6 days 07:08:09.123456",
                                            "-1 years -5 mons -6 days -07:08:09.123456")])
for kind, values in (("date", days), ("timestamp", moments), ("timestamptz", moments),
                     ("time", ("10:11:12.345678", "00:00", "24:00:00")),
                     ("interval", intervals)):
    call("extract_" + kind, "numeric", "extract({u} from {1})", "text " + kind,
         *[(u, v) for u in units[:29] for v in values[::2]])
    call("date_part_" + kind, "float8", "date_part({0}, {1})", "text " + kind,
         *[(u, v) for u in units for v in values[1::3]])
for kind in ("date", "timestamp", "timestamptz", "interval"):
    call("isfinite_" + kind, "bool", "isfinite({0})", kind,
         *(("1 day",) if kind == "interval" else ("infinity", "-infinity", "2020-01-01")))
times = ("10:11:12.5", "00:00", "24:00", "23:59:59.999999")
call("time_add_interval", "time", "{0} + {1}", "time interval",
     *[(t, i) for t in times for i in intervals[:8]])
call("time_subtract_interval", "time", "{0} - {1}", "time interval",
     *[(t, i) for t in times for i in intervals[:8]])
call("time_subtract", "interval", "{0} - {1}", "time time", *[(a, b) for a in times for b in times])
call("interval_add", "interval", "{0} + {1}", "interval interval",
     *[(a, b) for a in intervals[:8] for b in intervals[::3]], ("2147483647 days", "1 day"))
call("interval_subtract", "interval", "{0} - {1}", "interval interval",
     *[(a, b) for a in intervals[:8] for b in intervals[::3]])
call("interval_negate", "interval", "- {0}", "interval", *intervals)
factors = ("2", "0.5", "-1.5", "0", "1e-7", "3.14159", "1e10", "0.1")
call("interval_multiply", "interval", "{0} * {1}", "interval float8",
     *[(i, f) for i in intervals for f in factors], ("1 day", "NaN"), ("1 mon", "1e300"))
call("interval_divide", "interval", "{0} / {1}", "interval float8",
     *[(i, f) for i in intervals for f in factors])
for verb in ("justify_days", "justify_hours", "justify_interval"):
    call("interval_" + verb, "interval", verb + "({0})", "interval", *intervals, "35 days",
         "-35 days", "27:00:00", "-27:00:00", "1 mon -1 hour", "35 days 27:00:00",
         "1 mon -35 days", "-1 mon 35 days -27:00:00", "2147483647 days 24:00:00")
call("make_date", "date", "make_date({0}, {1}, {2})", "int4 int4 int4", ("2020", "2", "29"),
     ("2019", "2", "29"), ("2020", "13", "1"), ("2020", "0", "1"), ("0", "1", "1"),
     ("-44", "3", "15"), ("2020", "1", "0"), ("5874898", "1", "1"), ("-4714", "11", "23"),
     ("-4714", "11", "24"))
call("make_time", "time", "make_time({0}, {1}, {2})", "int4 int4 float8", ("8", "15", "23.5"),
     ("24", "0", "0"), ("24", "0", "0.1"), ("-1", "0", "0"), ("1", "60", "0"), ("1", "2", "60"),
     ("1", "2", "60.1"), ("1", "2", "59.9999999"), ("1", "2", "NaN"))
call("make_timestamp", "timestamp", "make_timestamp({0}, {1}, {2}, {3}, {4}, {5})",
     "int4 int4 int4 int4 int4 float8", ("2020", "2", "29", "8", "15", "23.5"),
     ("2020", "2", "30", "8", "15", "23.5"), ("2020", "2", "28", "25", "15", "23.5"),
     ("-44", "3", "15", "12", "30", "15"), ("2020", "1", "1", "24", "0", "0"))
call("make_timestamptz", "timestamptz", "make_timestamptz({*})",
     "int4 int4 int4 int4 int4 float8 text", ("2020", "2", "29", "8", "15", "23.5"),
     ("2020", "2", "29", "8", "15", "23.5", "+02"), ("2020", "2", "29", "8", "15", "23.5", "EST"))
call("make_interval", "interval", "make_interval({*})", "int4 int4 int4 int4 int4 int4 float8",
     ("1", "2", "3", "4", "5", "6", "7.5"), ("0", "0", "0", "0", "0", "0", "0"),
     ("-1", "14", "0", "-40", "100", "-5", "0.000001"), ("0", "0", "0", "0", "0", "0", "NaN"))
call("float8_to_timestamp", "timestamptz", "to_timestamp({0})", "float8", "0", "1580000000",
     "1580000000.5", "-1.5", "1234567890.123456", "Infinity", "-Infinity", "NaN", "1e18", "-3e11",
     "0.0000005", "1e11")
call("timestamp_at_zone", "timestamptz", "{1} AT TIME ZONE {0}", "text timestamp",
     ("UTC", "2020-01-01 10:00"), ("EST", "2020-01-01 10:00"), ("+02", "2020-01-01 10:00"),
     ("-05:30", "2020-01-01 10:00"), ("UTC+3", "2020-01-01 10:00"), ("EDT", "2020-07-01 10:00"),
     ("GMT", "infinity"), ("Etc/UTC", "2020-01-01 10:00"), ("z", "2020-01-01 10:00"))
call("timestamptz_at_zone", "timestamp", "{1} AT TIME ZONE {0}", "text timestamptz",
     ("UTC", "2020-01-01 10:00"), ("EST", "2020-01-01 10:00"), ("+02", "2020-01-01 10:00"),
     ("Etc/GMT+5", "2020-01-01 10:00"), ("CET", "-infinity"), ("acdt", "2020-01-01 10:00"))
call("timestamp_at_interval", "timestamptz", "{1} AT TIME ZONE {0}", "interval timestamp",
     ("02:00", "2020-01-01 10:00"), ("-05:30:00", "2020-01-01 10:00"), ("1 day", "2020-01-01"),
     ("1 mon 02:00", "2020-01-01"))
call("timestamptz_at_interval", "timestamp", "{1} AT TIME ZONE {0}", "interval timestamptz",
     ("02:00", "2020-01-01 10:00"), ("-05:30:00", "2020-01-01 10:00"))
call("overlaps", "bool", "({0}, {1}) OVERLAPS ({2}, {3})", "date date date date",
     ("2020-01-01", "2020-02-01", "2020-01-15", "2020-03-01"),
     ("2020-01-01", "2020-02-01", "2020-02-01", "2020-03-01"),
     ("2020-02-01", "2020-01-01", "2020-01-15", "2020-01-15"),
     ("2020-01-01", None, "2020-01-15", "2020-03-01"),
     (None, "2020-01-20", "2020-01-15", "2020-03-01"),
     ("2020-01-01", "2020-02-01", "2020-01-01", None),
     ("2020-01-01", "2020-02-01", None, None), ("2020-05-01", "2020-06-01", "2020-01-01", None))
patterns = ("YYYY-MM-DD HH24:MI:SS.US", "Day, DD Month YYYY", "DAY DY Dy dy day", "Mon MON mon",
            "FMDay FMMonth FMDD FMMM", "HH12:MI AM", "hh:mi p.m.", "DDD D ID IDDD", "WW IW W",
            "Q CC J", "Y,YYY YYY YY Y", "IYYY IYY IY I", "AD BC a.d. B.C.", "RM rm FMRM",
            "SSSS SSSSS",
            "MS US FF1 FF2 FF3 FF4 FF5 FF6", "TZ tz TZH TZM OF", "DDth DDTH MMth YYYYth FMDDth",
            "\"quoted YYYY\" YYYY", "\\\"YYYY\\\"", "FXYYYY", "TMDay TMMonth", "HH24h MI'",
            "é YYYY 日",
            "", "xyz", "FMYYYY FMHH24 FMMS FMDDD FMWW", "YYYY\\MM", "YYYYMMDDHH24MISS", "Mi mI",
            "SSSSSTH DTH QTH", "FMHH12 FMMI FMSS", "MONTHMON", "\"a\\\"b\"", "FMY,YYY CCth")
for kind in ("timestamp", "timestamptz"):
    call(kind + "_to_char", "text", "to_char({0}, {1})", kind + " text",
         *[(m, p) for m in moments[:12] for p in patterns])
call("interval_to_char", "text", "to_char({0}, {1})", "interval text",
     *[(i, p) for i in intervals[:9] for p in patterns])
call("text_to_date", "date", "to_date({0}, {1})", "text text", ("2020-02-09", "YYYY-MM-DD"),
     ("2020-02-30", "YYYY-MM-DD"), ("09 Feb 2020", "DD Mon YYYY"), ("20200209", "YYYYMMDD"),
     ("2020 40", "YYYY DDD"), ("40", "DDD"), ("February 9, 2020", "Month DD, YYYY"),
     ("20-2-9", "YY-MM-DD"), ("99-2-9", "YY-MM-DD"), ("2020-06", "IYYY-IW"),
     ("2020-06-3", "IYYY-IW-ID"), ("2020-06", "YYYY-IW"), ("44-03-15 BC", "YYYY-MM-DD BC"),
     ("2,020-02-09", "Y,YYY-MM-DD"), ("2458889", "J"), ("9 II 2020", "DD RM YYYY"),
     ("2020-02-09", "YYYY/MM/DD"), ("2020 02 09", "YYYY-MM-DD"), ("2020-02-09", "FXYYYY-MM-DD"),
     ("abc", "YYYY"), ("2020", "YYYYMM"), ("2020-13-01", "YYYY-MM-DD"), ("20 21", "CC YY"),
     ("20", "CC"), ("2020-02-09", "YYYY"), ("", "YYYY"), ("2020", ""), ("2020-xx", "YYYY-MM"),
     ("Febuary", "Month"), ("20200209", "FMYYYYMMDD"), ("2nd Feb 2020", "DDth Mon YYYY"),
     ("2020Feb9", "YYYYMonDD"), ("2020-2-29", "YYYY-MM-DD"), ("2019-2-29", "YYYY-MM-DD"),
     ("1-1-2020 2020", "MM-DD-YYYY YYYY"), ("1-1-2020 2021", "MM-DD-YYYY YYYY"),
     ("   2020-02-09", "YYYY-MM-DD"), ("2020--02-09", "YYYY-MM-DD"), ("99999999999", "YYYY"),
     ("2020 5 W", "YYYY WW"), ("2020 2 3", "YYYY MM W"), ("Sun 2020", "Dy YYYY"), ("5 2020",
     "Q YYYY"),
     ("100 BC", "YYYY BC"), ("3 BC", "CC BC"), ("520", "YYY"), ("1", "Y"), ("0", "YYYY"),
     ("-44-02-01", "YYYY-MM-DD"), ("2020-02-09 extra", "YYYY-MM-DD"))
call("text_to_timestamp", "timestamptz", "to_timestamp({0}, {1})", "text text",
     ("2020-02-09 10:11", "YYYY-MM-DD HH24:MI"), ("2020-02-09 10:11:12.345678",
     "YYYY-MM-DD HH24:MI:SS.US"),
     ("2020-02-09 10:11:12.345", "YYYY-MM-DD HH24:MI:SS.MS"), ("2020-02-09 10:11:12.3",
     "YYYY-MM-DD HH24:MI:SS.MS"),
     ("2020-02-09 10:11 PM", "YYYY-MM-DD HH12:MI AM"), ("2020-02-09 12:11 am",
     "YYYY-MM-DD HH:MI AM"),
     ("2020-02-09 13:11 PM", "YYYY-MM-DD HH12:MI AM"), ("2020-02-09 25:11", "YYYY-MM-DD HH24:MI"),
     ("2020-02-09 10:61", "YYYY-MM-DD HH24:MI"), ("2020-02-09 10:11 +02", "YYYY-MM-DD HH24:MI TZH"),
     ("2020-02-09 10:11 -05:30", "YYYY-MM-DD HH24:MI TZH:TZM"), ("2020-02-09 40000",
     "YYYY-MM-DD SSSS"),
     ("2020-02-09 UTC", "YYYY-MM-DD TZ"), ("2020-02-09 10:11:12.3456", "YYYY-MM-DD HH24:MI:SS.FF3"),
     ("2020-02-09 10:11:12.345678", "YYYY-MM-DD HH24:MI:SS.FF6"), ("20200209101112",
     "YYYYMMDDHH24MISS"),
     ("2020-02-09T10:11:12", "YYYY-MM-DD\"T\"HH24:MI:SS"), ("2020-02-09 10:11 p.m.",
     "YYYY-MM-DD HH12:MI a.m."),
     ("2020-02-09-08", "YYYY-MM-DD-TZH"), ("2020-02-09 +16", "YYYY-MM-DD TZH"), ("10:11",
     "HH24:MI"),
     ("2020-02-09 10:11:12.12", "YYYY-MM-DD HH24:MI:SS.FF1"), ("15:30", "HH12:MI"),
     ("2020 -5", "YYYY TZH"), ("x", "HH24"), ("1 2 3", "HH24 MI SS"))
numbers_out = ("0", "1", "-1", "0.1", "-0.1", "12.345", "-12.345", "123456.789", "-123456.789",
    "0.005",
               "999.995", "1234567", "485", "-485", "100", "3999", "4000")
number_patterns = ("999", "999.99", "FM999.99", "000.00", "0999", "9,999,999.99", "9G999D99",
    "S999",
                   "999S", "999.9S", "MI999", "999MI", "PL999", "999PL", "SG999", "999SG",
                   "999PR", "FM999PR", "RN",
                   "FMRN", "rn", "L999", "999th", "999TH", "99V99", "9.99EEEE", "FM9999999.9999",
                   "FM0.99", "FM.99",
                   ".99", "9.", "B999", "\"x\"999", "é999", "S9,999", "FM9,999,999", "FMS999.0",
                   "0.0", "00,000", "99.0",
                   "FM99.0", "999.", "", "9 9 9", "99PRS", "9S9S", "EEEE9", "9.9.9", "9V9.9",
                   "SG9S", "0PR0",
                   "FM990.999", "FM000.000", "999999999.999999999", "s999", "999d99", "C999",
                   "TH", "SP99", "FM9999999999")
for kind in ("numeric", "float8", "int4"):
    values = numbers_out if kind != "int4" else ("0", "1", "-1", "12", "-123456", "485", "-485",
    "4000",
                                                 "2147483647")
    call(kind + "_to_char", "text", "to_char({0}, {1})", kind + " text",
         *[(n, p) for n in values for p in number_patterns])
call("int8_to_char", "text", "to_char({0}, {1})", "int8 text",
     *[(n, p) for n in ("0", "-485", "9223372036854775807") for p in number_patterns])
call("float4_to_char", "text", "to_char({0}, {1})", "float4 text",
     *[(n, p) for n in ("0", "-12.345", "1234567.5", "NaN",
     "Infinity") for p in number_patterns[::3]])
call("float8_to_char", "text", "to_char({0}, {1})", "float8 text",
     *[(n, p) for n in ("NaN", "-Infinity", "1e20", "1.5e-7") for p in number_patterns[:40]])
