/* tests/support/check.h -- CUnit with row names: a table test says which row failed.
 *
 *   void suite_addr(void)
 *   {
 *           CHECK_SUITE("addr");
 *           CHECK_TEST(parse_table);   // static void parse_table(void)
 *   }
 *
 * Run one suite or test: unit_base addr, unit_base addr.parse_table. check_end prints one line
 * "unit_base: N passed, N failed" (tests, not assertions) and returns 0 only when none failed.
 */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H

#ifndef CHECK_PLAIN /* check_plain.c */
#include <CUnit/CUnit.h>
#endif
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

void check_begin(int argc, char **argv);
int check_end(void);

void check_suite(const char *name);
void check_test(const char *name, void (*run)(void));
#define CHECK_SUITE(name) check_suite(name)
#define CHECK_TEST(fn) check_test(#fn, fn)

/* Each reports `row` (any text, may be NULL) with both values when it fails, and returns whether
 * it held. */
#define CHECK(row, cond) check_true((row), (cond), #cond, __FILE__, __LINE__)
#define CHECK_INT(row, got, want) check_int((row), (int64_t)(got), (int64_t)(want), #got, __FILE__, __LINE__)
#define CHECK_STR(row, got, want) check_slice((row), slice_of(got), slice_of(want), #got, __FILE__, __LINE__)
#define CHECK_SLICE(row, got, want) check_slice((row), (got), slice_of(want), #got, __FILE__, __LINE__)
#define CHECK_NEAR(row, got, want, tolerance) \
	check_near((row), (double)(got), (double)(want), (double)(tolerance), #got, __FILE__, __LINE__)

bool check_true(const char *row, bool held, const char *what, const char *file, int line);
bool check_int(const char *row, int64_t got, int64_t want, const char *what, const char *file, int line);
bool check_slice(const char *row, struct slice got, struct slice want, const char *what, const char *file, int line);
bool check_near(const char *row, double got, double want, double tolerance, const char *what, const char *file, int line);

#endif
