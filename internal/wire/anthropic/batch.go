package anthropic

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// maxCustomID is how long the name of a batch's request may be.
const maxCustomID = 64

var (
	batchKeys  = jsonscan.NewKeys("requests")
	itemKeys   = jsonscan.NewKeys("custom_id", "params")
	paramsKeys = jsonscan.NewKeys("stream")
)

// BatchLines takes a request for a batch apart: into its requests, of at most so many, each on a line of its own. Each has a
// name that no other has, and the body of a call; whether that can be made is seen when it is. body is written over. The error
// is a *fault.Error that names the field. Source: the provider sheet "anthropic", section 3.
func BatchLines(body []byte, most int) (lines []byte, n int, err error) {
	var out [1]jsonscan.Field
	if _, _, err := batchKeys.Scan(body, out[:]); err != nil {
		return nil, 0, scanFault(err)
	}
	switch {
	case !out[0].Found() || jsonscan.IsNull(body, out[0]):
		return nil, 0, required("requests")
	case body[out[0].Start] != '[':
		return nil, 0, invalid("requests", "Input should be a valid list")
	}
	seen := map[string]bool{}
	lines = body[:0] // a request is written before where it was read, as what stood around it goes
	for it := jsonscan.Elements(out[0].In(body)); it.Next(); n++ {
		if n == most {
			return nil, 0, invalid("requests", "List should have at most "+strconv.Itoa(most)+" items")
		}
		if err := checkItem(it.Value, "requests."+strconv.Itoa(n), seen); err != nil {
			return nil, 0, err
		}
		lines = appendLine(lines, it.Value)
	}
	if n == 0 {
		return nil, 0, invalid("requests", "List should have at least 1 item")
	}
	return lines, n, nil
}

// appendLine appends a JSON value as one line: in values that were scanned, ends of lines stand between tokens alone.
func appendLine(lines, value []byte) []byte {
	from := len(lines)
	lines = append(lines, value...)
	for i, c := range lines[from:] {
		if c == '\n' || c == '\r' {
			lines[from+i] = ' '
		}
	}
	return append(lines, '\n')
}

// checkItem checks one request of a batch.
func checkItem(item []byte, path string, seen map[string]bool) error {
	var out [2]jsonscan.Field
	if item[0] != '{' {
		return invalid(path, "Input should be a valid dictionary")
	}
	if _, _, err := itemKeys.Scan(item, out[:]); err != nil {
		return within(path, scanFault(err))
	}
	name := out[0]
	custom, err := jsonscan.String(item, name)
	switch {
	case !name.Found():
		return required(path + ".custom_id")
	case err != nil || !isCustomID(custom):
		return invalid(path+".custom_id", "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
	case seen[custom]:
		return invalid(path+".custom_id", "custom_id must be unique within the batch, and '"+custom+"' is not")
	}
	seen[custom] = true
	return checkParams(item, out[1], path+".params")
}

func isCustomID(s string) bool {
	for _, c := range []byte(s) {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(s) > 0 && len(s) <= maxCustomID
}

func checkParams(item []byte, span jsonscan.Field, path string) error {
	params := span.In(item)
	switch {
	case !span.Found():
		return required(path)
	case params[0] != '{':
		return invalid(path, "Input should be a valid dictionary")
	}
	var out [1]jsonscan.Field
	if _, _, err := paramsKeys.Scan(params, out[:]); err != nil {
		return within(path, scanFault(err))
	}
	switch string(out[0].In(params)) {
	case "", "null", "false":
		return nil
	}
	return invalid(path+".stream", "Streaming is not supported in batches")
}

// within puts a path before that of a fault.
func within(path string, err error) error {
	f := fault.From(err)
	if f.Path != "" {
		path += "." + f.Path
	}
	return f.At(path)
}
