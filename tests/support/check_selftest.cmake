# cmake -DPROGRAM=... -P: runs check_selftest and wants every failure reported.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE said RESULT_VARIABLE status)
foreach(line
	"FAIL selftest.fails [row one]: 1 > 2 ("
	"FAIL selftest.fails [row two]: 1 + 1 is 2, want 3 ("
	"FAIL selftest.fails [row three]: \"a\" is \"a\", want \"b\" ("
	"FAIL selftest.fails [row four]: NULL is (absent), want \"\" ("
	"FAIL selftest.fails [row five]: NAN is nan, want 1 within 10 ("
	"FAIL selftest.checks_nothing checked nothing"
	"check_selftest: 1 passed, 2 failed")
	string(FIND "${said}" "${line}" at)
	if(at EQUAL -1)
		message(FATAL_ERROR "not reported: ${line}\n${said}")
	endif()
endforeach()
if(NOT status EQUAL 0)
	message(FATAL_ERROR "check_end did not return 1: ${status}")
endif()
