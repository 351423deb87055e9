package jsonscan

import (
	"errors"
	"strconv"
)

// What can be wrong with a body or with a value of it.
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrNotObject = errors.New("not a JSON object")
	ErrTrailing  = errors.New("something follows the JSON object")
	ErrControl   = errors.New("a control character in a string must be escaped")
	ErrUTF8      = errors.New("not valid UTF-8")
	ErrDepth     = errors.New("nested too deeply")
	ErrDuplicate = errors.New("the key comes twice")
	ErrCase      = errors.New("the key is written in another letter case")
	ErrType      = errors.New("the value has another type")
	ErrInteger   = errors.New("the number is not an integer of 64 bits")
)

// Error says what is wrong and where.
type Error struct {
	// Err is one of this package's errors.
	Err error
	// Key is the wanted name that ErrDuplicate and ErrCase are about.
	Key string
	// Offset is the place in the body, in bytes from 0.
	Offset int
}

// Error returns a text that holds nothing of the body.
func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Key != "" {
		text = strconv.Quote(e.Key) + ": " + text
	}
	return text + " (at byte " + strconv.Itoa(e.Offset) + ")"
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
