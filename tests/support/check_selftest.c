/* tests/support/check_selftest.c -- checks that fail, in each way: the reporter must say so. CTest
 * compares what this prints (tests/CMakeLists.txt); everything it says is wrong on purpose.
 */
#include <math.h>

#include "tests/support/check.h"

static void passes(void)
{
	CHECK(NULL, true);
	CHECK_SLICE(NULL, SLICE("a"), "a");
}

static void fails(void)
{
	CHECK("row one", 1 > 2);
	CHECK_INT("row two", 1 + 1, 3);
	CHECK_STR("row three", "a", "b");
	CHECK_STR("row four", NULL, "");
	CHECK_NEAR("row five", NAN, 1, 10);
}

static void checks_nothing(void)
{
}

int main(int argc, char **argv)
{
	check_begin(argc, argv);
	CHECK_SUITE("selftest");
	CHECK_TEST(passes);
	CHECK_TEST(fails);
	CHECK_TEST(checks_nothing);
	return check_end() == 1 ? 0 : 3;
}
