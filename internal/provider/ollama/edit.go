package ollama

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// edit is what the operator wants of every conversation: a length of the context, and how long the model stays loaded. Both
// are members as they are written; empty ones are not wanted.
type edit struct{ length, keepAlive string }

// maxContext is longer than any model's.
const maxContext = 16 << 20

var durations = regexp.MustCompile(`^-?\d{1,9}(ms|s|m|h)?$`)

func (c *config) edit() (e edit, err error) {
	switch {
	case c.ContextLength < 0 || c.ContextLength > maxContext:
		return e, provider.FaultConfig("config.contextLength", "The length must be a number of tokens.")
	case c.KeepAlive != "" && !durations.MatchString(c.KeepAlive):
		return e, provider.FaultConfig("config.keepAlive", "The time must be one such as 5m, 0 or -1.")
	}
	if c.ContextLength > 0 {
		e.length = `"num_ctx":` + strconv.FormatInt(c.ContextLength, 10)
	}
	if _, err := strconv.Atoi(c.KeepAlive); err == nil {
		e.keepAlive = `"keep_alive":` + c.KeepAlive // a number of seconds
	} else if c.KeepAlive != "" {
		e.keepAlive = `"keep_alive":"` + c.KeepAlive + `"`
	}
	return e, nil
}

var (
	editKeys    = jsonscan.NewKeys("options", "keep_alive")
	contextKeys = jsonscan.NewKeys("num_ctx")
)

// apply puts what is wanted into a request, unless it says otherwise itself.
func (e edit) apply(body []byte) ([]byte, error) {
	if e == (edit{}) {
		return body, nil
	}
	var out [2]jsonscan.Field
	members, at, err := editKeys.Scan(body, out[:])
	if err != nil {
		return nil, err
	}
	var edits []jsonscan.Edit
	var top []string
	if e.keepAlive != "" && !out[1].Found() {
		top = append(top, e.keepAlive)
	}
	switch options := out[0]; {
	case e.length == "":
	case !options.Found():
		top = append(top, `"options":{`+e.length+`}`)
	default:
		var own [1]jsonscan.Field
		n, inside, err := contextKeys.Scan(options.In(body), own[:])
		if err == nil && !own[0].Found() {
			edits = append(edits, jsonscan.Edit{At: options.Start + inside, Text: []byte(e.length + comma(n))})
		}
	}
	if len(top) > 0 {
		edits = append(edits, jsonscan.Edit{At: at, Text: []byte(strings.Join(top, ",") + comma(members))})
	}
	return jsonscan.Apply(nil, body, edits...), nil
}

// comma separates what is put before so many members.
func comma(members int) string {
	if members == 0 {
		return ""
	}
	return ","
}

// modelsIn reads the names of a list of models; false when it is none.
func modelsIn(body []byte) ([]string, bool) {
	var list struct {
		Models []struct {
			Name string `json:"name"`
		} `json:"models"`
	}
	if json.Unmarshal(body, &list) != nil || list.Models == nil {
		return nil, false
	}
	var out []string
	for _, m := range list.Models {
		out = append(out, strings.TrimSuffix(m.Name, ":latest"))
	}
	return out, true
}
