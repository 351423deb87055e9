package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

const (
	// MaxBody bounds the JSON bodies of the control plane.
	MaxBody  = 1 << 20
	maxDepth = 64
)

// Faults of bodies that are not what they should be.
var (
	ErrEncoding = fault.New(http.StatusUnsupportedMediaType, "unsupported_encoding", "Compressed request bodies are not supported here.")
	ErrTooDeep  = fault.New(http.StatusBadRequest, "json_too_deep", "The JSON is nested too deeply.")
	ErrMalform  = fault.New(http.StatusBadRequest, "malformed_request", "The request could not be read.")
)

// Decode reads a JSON object of at most MaxBody bytes into v. Members that v does not have are left out. Refused are other
// content types, text that is not UTF-8, nesting beyond 64 levels, anything behind the object, and members that occur
// twice, at the top even in another letter case: what was checked must be what is used.
// Codes: unsupported_media_type, unsupported_encoding, body_too_large, malformed_request, json_too_deep, invalid_json with
// the path of a value of the wrong type.
func Decode(req *http.Request, v any) error {
	body, err := ReadJSON(req)
	if err != nil {
		return err
	}
	return Unmarshal(body, v)
}

// ReadJSON reads and checks a body as Decode does, for callers that need its bytes.
func ReadJSON(req *http.Request) ([]byte, error) {
	if err := checkHeaders(req); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, req.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, fault.ErrTooLarge
	case err != nil:
		return nil, ErrMalform.Because(err)
	case !utf8.Valid(body):
		return nil, fault.ErrBadJSON
	}
	return body, checkJSON(body)
}

func checkHeaders(req *http.Request) error {
	if e := req.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return ErrEncoding
	}
	kind, parameters, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return fault.ErrMediaType
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fault.ErrMediaType
	}
	return nil
}

// Unmarshal decodes a body that ReadJSON checked. Code: invalid_json with the path.
func Unmarshal(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fault.ErrBadJSON.Saying("A value has the wrong type.").At(wrong.Field)
	}
	if err != nil {
		return fault.ErrBadJSON.Because(err)
	}
	return nil
}

// checkJSON walks over the tokens once.
func checkJSON(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	t, err := dec.Token()
	switch {
	case err != nil:
		return fault.ErrBadJSON.Because(err)
	case t == nil:
		return fault.ErrInvalid.Saying("The body is to be a JSON object.")
	case t != json.Delim('{'):
		return fault.ErrBadJSON.Saying("The body is to be a JSON object.")
	}
	if err := walkObject(dec, "", 1); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fault.ErrBadJSON.Saying("There is something behind the JSON object.")
	}
	return nil
}

func walkObject(dec *json.Decoder, path string, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return fault.ErrBadJSON.Because(err)
		}
		name, _ := t.(string) // the decoder refuses members without a name
		key := name
		if depth == 1 {
			key = strings.ToLower(name) // encoding/json matches names of members in any letter case
		}
		if seen[key] {
			return fault.ErrBadJSON.Saying("A member occurs twice.").At(join(path, name))
		}
		seen[key] = true
		if err := walkValue(dec, join(path, name), depth); err != nil {
			return err
		}
	}
	return end(dec)
}

func walkArray(dec *json.Decoder, path string, depth int) error {
	for i := 0; dec.More(); i++ {
		if err := walkValue(dec, path+"["+strconv.Itoa(i)+"]", depth); err != nil {
			return err
		}
	}
	return end(dec)
}

func walkValue(dec *json.Decoder, path string, depth int) error {
	t, err := dec.Token()
	if err != nil {
		return fault.ErrBadJSON.Because(err)
	}
	if t != json.Delim('{') && t != json.Delim('[') {
		return nil
	}
	if depth == maxDepth {
		return ErrTooDeep
	}
	if t == json.Delim('{') {
		return walkObject(dec, path, depth+1)
	}
	return walkArray(dec, path, depth+1)
}

func end(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return fault.ErrBadJSON.Because(err)
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
