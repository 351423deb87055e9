package pricing

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// strictAs reads JSON that must be known in all its members; what is not is refused with its path, under code.
func strictAs(code *fault.Error, raw json.RawMessage, into any, path string) error {
	if isEmpty(raw) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if err == nil {
		if _, rest := d.Token(); !errors.Is(rest, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		code = f
	}
	return code.Because(err).At(pathOf(err, path))
}

// pathOf adds to a path the member that an error of encoding/json names.
func pathOf(err error, path string) string {
	member := ""
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		member = t.Field
	} else if _, name, found := strings.Cut(err.Error(), `unknown field "`); found {
		member = strings.TrimSuffix(name, `"`)
	}
	switch {
	case member == "":
		return path
	case path == "":
		return member
	default:
		return path + "." + member
	}
}
