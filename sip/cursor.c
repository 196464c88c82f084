#include "sip/cursor.h"

#define MARK (CHAR_URI)
#define TOKEN_MARK (CHAR_TOKEN | CHAR_URI)
#define DIGIT (CHAR_TOKEN | CHAR_DIGIT | CHAR_HEX | CHAR_SCHEME | CHAR_HOST | CHAR_URI)
#define HEX_ALPHA (CHAR_TOKEN | CHAR_HEX | CHAR_SCHEME | CHAR_HOST | CHAR_URI | CHAR_ALPHA)
#define OTHER_ALPHA (CHAR_TOKEN | CHAR_SCHEME | CHAR_HOST | CHAR_URI | CHAR_ALPHA)
#define ROW8(flags) flags, flags, flags, flags, flags, flags, flags, flags
#define ROW16(flags) ROW8(flags), ROW8(flags)

/* In the order of ASCII; octets from 0x80 up are UTF-8, which phones write unescaped into users. */
/* clang-format off */
const uint8_t sip_char_class[256] = {
	/* 0x00 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, CHAR_WS, CHAR_WS, 0, 0, CHAR_WS, 0, 0,
	/* 0x10 */ ROW16(0),
	/* space ! " # $ % & ' */
	CHAR_WS, TOKEN_MARK, 0, MARK, MARK, TOKEN_MARK, MARK, TOKEN_MARK,
	/* ( ) * + , - . / */
	MARK, MARK, TOKEN_MARK, TOKEN_MARK | CHAR_SCHEME, MARK,
	TOKEN_MARK | CHAR_SCHEME | CHAR_HOST, TOKEN_MARK | CHAR_SCHEME | CHAR_HOST, MARK,
	/* 0-7 */ ROW8(DIGIT),
	/* 8 9 : ; < = > ? */ DIGIT, DIGIT, MARK, MARK, 0, MARK, 0, MARK,
	/* @ A-G */ MARK, HEX_ALPHA, HEX_ALPHA, HEX_ALPHA, HEX_ALPHA, HEX_ALPHA, HEX_ALPHA, OTHER_ALPHA,
	/* H-O */ ROW8(OTHER_ALPHA),
	/* P-W */ ROW8(OTHER_ALPHA),
	/* X Y Z [ \ ] ^ _ */ OTHER_ALPHA, OTHER_ALPHA, OTHER_ALPHA, MARK, MARK, MARK, MARK,
	TOKEN_MARK | CHAR_HOST,
	/* ` a-g */ TOKEN_MARK, HEX_ALPHA, HEX_ALPHA, HEX_ALPHA, HEX_ALPHA, HEX_ALPHA, HEX_ALPHA, OTHER_ALPHA,
	/* h-o */ ROW8(OTHER_ALPHA),
	/* p-w */ ROW8(OTHER_ALPHA),
	/* x y z { | } ~ DEL */ OTHER_ALPHA, OTHER_ALPHA, OTHER_ALPHA, MARK, MARK, MARK, TOKEN_MARK, 0,
	/* 0x80 */ ROW16(MARK), ROW16(MARK), ROW16(MARK), ROW16(MARK),
	/* 0xc0 */ ROW16(MARK), ROW16(MARK), ROW16(MARK), ROW16(MARK),
};
/* clang-format on */

bool cursor_line(struct cursor *c, struct slice *ret_line)
{
	size_t left = (size_t)(c->end - c->at);
	const char *lf = left ? memchr(c->at, '\n', left) : NULL;
	struct slice line;

	if (!lf)
		return false;
	line = slice_make(c->at, (size_t)(lf - c->at));
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	c->at = lf + 1;
	*ret_line = line;
	return true;
}

bool cursor_quoted(struct cursor *c, struct slice *ret_text)
{
	struct cursor mark = *c;
	struct cursor before = *c;

	for (;;) {
		int ch;

		before = *c;
		ch = cursor_take(c);
		if (ch == '"') {
			*ret_text = cursor_since(&before, mark);
			return true;
		}
		if (ch == '\\')
			ch = cursor_take(c);
		if (ch == CURSOR_END)
			return false;
	}
}
