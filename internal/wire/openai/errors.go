package openai

import (
	"errors"
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// RequestError says what is wrong with a request, in the words of the OpenAI error envelope.
type RequestError struct {
	// Message is safe to show; it repeats nothing of the request but names of parameters.
	Message string
	// Param is the parameter at fault; empty when it is the body as a whole.
	Param string
	// Code is one of the provider sheet's codes for status 400.
	Code string
}

// Error returns the message.
func (e *RequestError) Error() string { return e.Message }

// Body returns the error as an OpenAI answer of status 400.
func (e *RequestError) Body() []byte {
	return ErrorBody(400, "invalid_request_error", e.Code, e.Param, e.Message)
}

// Codes of bodies that are not what they should be as a whole.
const (
	CodeInvalidJSON = "invalid_json"
	CodeTooDeep     = "json_too_deep"
	CodeDuplicate   = "duplicate_parameter"
	CodeMalformed   = "malformed_request" // a form that cannot be taken apart
)

// Codes of what comes along with a request.
const (
	CodeFileType = "file_type_not_allowed"
	CodeAddress  = "url_not_allowed"
)

func scanError(err error) error {
	var e *jsonscan.Error
	if !errors.As(err, &e) {
		return &RequestError{Message: "The request body is not valid JSON.", Code: CodeInvalidJSON}
	}
	switch {
	case errors.Is(e, jsonscan.ErrDuplicate):
		return &RequestError{Message: "Parameter '" + e.Key + "' is given more than once.", Param: e.Key, Code: CodeDuplicate}
	case errors.Is(e, jsonscan.ErrCase):
		return &RequestError{
			Message: "Parameter names are case-sensitive: write '" + e.Key + "'.", Param: e.Key, Code: "unknown_parameter",
		}
	case errors.Is(e, jsonscan.ErrDepth):
		return &RequestError{Message: "The request body is nested too deeply.", Code: CodeTooDeep}
	}
	at := strconv.Itoa(e.Offset)
	return &RequestError{Message: "The request body cannot be read: " + e.Err.Error() + " (at byte " + at + ").", Code: CodeInvalidJSON}
}

func missing(param, message string) error {
	return &RequestError{Message: message, Param: param, Code: "missing_required_parameter"}
}

func invalidType(param, expected string) error {
	return &RequestError{
		Message: "Invalid type for '" + param + "': expected " + expected + ".", Param: param, Code: "invalid_type",
	}
}

func invalidValue(param, message string) error {
	return &RequestError{Message: message, Param: param, Code: "invalid_value"}
}

func tooLong(param string) error {
	return &RequestError{Message: "Invalid '" + param + "': string too long.", Param: param, Code: "string_above_max_length"}
}

func outOfRange(param string, highest int64) error {
	return invalidValue(param, "Invalid '"+param+"': expected an integer from 1 to "+strconv.FormatInt(highest, 10)+".")
}

func outOfBatch(param string) error {
	return invalidValue(param, "Invalid '"+param+"': at most "+strconv.Itoa(MaxPrompts)+" are taken at once.")
}
