package gemini

import (
	"errors"
	"strconv"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

var (
	errDuplicate = fault.New(400, "duplicate_key", "A parameter is given more than once.")
	errDepth     = fault.New(400, "json_too_deep", "The request body is nested too deeply.")
)

// scanFault says what is wrong with a body that cannot be scanned.
func scanFault(err error) error {
	var e *jsonscan.Error
	if !errors.As(err, &e) {
		return fault.ErrBadJSON.Because(err)
	}
	switch {
	case errors.Is(e, jsonscan.ErrDuplicate):
		return errDuplicate.Saying("Parameter '" + e.Key + "' is given more than once.").At(e.Key)
	case errors.Is(e, jsonscan.ErrCase):
		return fault.ErrInvalid.Saying("Parameter names are case-sensitive: write '" + e.Key + "'.").At(e.Key)
	case errors.Is(e, jsonscan.ErrDepth):
		return errDepth
	}
	return fault.ErrBadJSON.Saying("Invalid JSON payload received: " + e.Err.Error() + " (at byte " + strconv.Itoa(e.Offset) + ").")
}

func invalidType(path, expected string) error {
	return fault.ErrInvalid.Saying("Invalid value at '" + path + "': expected " + expected + ".").At(path)
}

func integer(body []byte, span jsonscan.Field, path string, highest int64) (int64, error) {
	n, err := jsonscan.Int(body, span)
	switch {
	case errors.Is(err, jsonscan.ErrType):
		return 0, invalidType(path, "an integer")
	case err != nil || n < 1 || n > highest:
		return 0, fault.ErrInvalid.Saying("Invalid value at '" + path + "': expected an integer from 1 to " + strconv.FormatInt(highest, 10) + ".").At(path)
	}
	return n, nil
}
