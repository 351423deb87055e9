package formula

import "strings"

// token is a piece of a formula: a number, a name, an operator, or "" at the end.
type token struct {
	kind tokenKind
	text string
	at   int
}

type tokenKind uint8

const (
	end tokenKind = iota
	number
	name
	operator
)

// lexer cuts a text into tokens.
type lexer struct {
	text string
	at   int
}

// operators lists the longer ones first: the first that fits is taken.
var operators = []string{"<=", ">=", "==", "!=", "+", "-", "*", "/", "×", "÷", "(", ")", ",", "?", ":", "<", ">"}

func (l *lexer) next() (token, error) {
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0 {
		l.at++
	}
	start, rest := l.at, l.text[l.at:]
	switch {
	case rest == "":
		return token{at: start}, nil
	case strings.HasPrefix(rest, "**"), rest[0] == '^':
		return token{}, &Error{Offset: start, Message: "powers are not part of the language", Limit: true}
	case isDigit(rest[0]):
		return l.number()
	case isLetter(rest[0]):
		return l.take(name, span(rest, func(c byte) bool { return isLetter(c) || isDigit(c) })), nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return l.take(operator, len(op)), nil
		}
	}
	return token{}, &Error{Offset: start, Message: "this character has no meaning here"}
}

func (l *lexer) take(kind tokenKind, n int) token {
	t := token{kind, l.text[l.at : l.at+n], l.at}
	l.at += n
	return t
}

// number reads digits with at most one point; 1e9 is refused, so that every number can be read at a glance.
func (l *lexer) number() (token, error) {
	const most = 40
	rest := l.text[l.at:]
	n := span(rest, isDigit)
	if n+1 < len(rest) && rest[n] == '.' && isDigit(rest[n+1]) {
		n += 1 + span(rest[n+1:], isDigit)
	}
	if n > most {
		return token{}, &Error{Offset: l.at, Message: "the number has too many digits", Limit: true}
	}
	if n < len(rest) && (isLetter(rest[n]) || rest[n] == '.') {
		return token{}, &Error{Offset: l.at + n, Message: "a number is written with digits and at most one point"}
	}
	return l.take(number, n), nil
}

func span(s string, belongs func(byte) bool) int {
	n := 0
	for n < len(s) && belongs(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c == '_' || (c|0x20 >= 'a' && c|0x20 <= 'z') }
