// Package units reads from a request what it asks for in the units that prices go by: images, seconds, characters, tokens,
// and the parameters that a price may depend on. It knows the names that the public APIs share, and no provider.
package units

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Asked is what a request asks for. Quantities that it does not say are 0.
type Asked struct {
	Kind       inference.Kind
	Model      string
	Simulation bool
	// Text is what it says: prompt, input, messages, documents.
	Text string
	// Count is how many results it wants, at least 1; Documents how many it ranks; Pictures how many it sends.
	Count, Documents, Pictures int64
	// Query is the text that documents are ranked by; it is a part of Text.
	Query string
	// Seconds is how long the result is to be, or how long the recording is that it sends, begun ones counted whole.
	Seconds int64
	// Output is its own limit on output tokens.
	Output int64
	// Width and Height are the size of a picture; 0 where it does not say.
	Width, Height int64
	Quality       string
	// Dimensions are its plain parameters by name, as text.
	Dimensions map[string]string
}

// Bounds of what can be asked for.
const (
	maxCount   = 1000
	maxSeconds = 24 * 3600
	maxSide    = 65_536
	maxOutput  = 1 << 31
	// maxValue is the longest parameter that a price can depend on.
	maxValue = 64
)

// texts are members whose text counts as input; the rest of a request steers.
var texts = []string{"prompt", "input", "instructions", "messages", "query", "documents", "text", "tools"}

// Read reads a request of a kind. A plain prompt is the text of any kind.
// Codes: invalid_json, invalid_parameter with the path.
func Read(kind inference.Kind, body []byte) (Asked, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return Asked{}, fault.ErrBadJSON.Because(err)
	}
	a := Asked{Kind: kind, Count: 1}
	r := reader{members: members}
	a.Model, a.Quality = r.text("model"), r.text("quality")
	a.Simulation = r.text("runMode") == "simulation"
	if a.Model == "" {
		r.fail("model", "The model is required.")
	}
	a.Count = max(1, r.whole(maxCount, "n", "num_images", "count"))
	a.Seconds = r.seconds("duration", "seconds", "duration_seconds")
	a.Output = r.whole(maxOutput, "max_completion_tokens", "max_output_tokens", "max_tokens")
	a.Width, a.Height = r.size()
	a.Pictures, a.Documents = r.items("image", "images"), r.items("documents")
	a.Query = r.said("query")
	for _, name := range texts {
		a.Text += r.said(name)
	}
	a.Dimensions = r.dimensions(&a)
	return a, r.err
}

// Dimensions reads the parameters of a request that a price may depend on; nil when it is not a JSON object. It is on the way
// of calls, so it does not look into the prompt.
func Dimensions(body []byte) map[string]string {
	r := reader{}
	if json.Unmarshal(body, &r.members) != nil {
		return nil
	}
	var a Asked
	a.Seconds = r.seconds("duration", "seconds", "duration_seconds")
	a.Width, a.Height = r.size()
	return r.dimensions(&a)
}

// Characters is how many characters the text has.
func (a *Asked) Characters() int64 { return int64(utf8.RuneCountInString(a.Text)) }

// reader reads members and remembers the first that is wrong.
type reader struct {
	members map[string]json.RawMessage
	err     error
}

func (r *reader) fail(path, message string) {
	if r.err == nil {
		r.err = fault.ErrInvalid.Saying(message).At(path)
	}
}

// find returns the first member that is there.
func (r *reader) find(names []string) (name string, raw json.RawMessage) {
	for _, name := range names {
		if raw := r.members[name]; len(raw) > 0 && string(raw) != "null" {
			return name, raw
		}
	}
	return names[0], nil
}

func (r *reader) text(name string) string {
	_, raw := r.find([]string{name})
	var s string
	if raw != nil && json.Unmarshal(raw, &s) != nil {
		r.fail(name, "This is to be a text.")
	}
	return s
}

// number reads a plain number, also one that stands in quotes, as some APIs have it.
func (r *reader) number(names []string) (name string, v *big.Rat) {
	name, raw := r.find(names)
	if raw == nil {
		return name, nil
	}
	v, ok := plain(strings.Trim(string(raw), `"`))
	if !ok {
		r.fail(name, "This is to be a number that is not negative.")
		return name, nil
	}
	return name, v
}

// plain reads a decimal without sign and exponent.
func plain(text string) (*big.Rat, bool) {
	if text == "" || len(text) > 20 || strings.Trim(text, "0123456789.") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

func (r *reader) whole(most int64, names ...string) int64 {
	name, v := r.number(names)
	switch {
	case v == nil:
		return 0
	case !v.IsInt() || !v.Num().IsInt64() || v.Num().Int64() < 1 || v.Num().Int64() > most:
		r.fail(name, "This is to be a whole number from 1 to "+strconv.FormatInt(most, 10)+".")
		return 0
	}
	return v.Num().Int64()
}

// seconds counts begun seconds. "5s" is what some APIs say for 5.
func (r *reader) seconds(names ...string) int64 {
	if name, raw := r.find(names); raw != nil {
		r.members[name] = bytes.Replace(raw, []byte(`s"`), []byte(`"`), 1)
	}
	name, v := r.number(names)
	if v == nil {
		return 0
	}
	begun := new(big.Int).Div(new(big.Int).Add(v.Num(), new(big.Int).Sub(v.Denom(), big.NewInt(1))), v.Denom())
	if !begun.IsInt64() || begun.Int64() < 1 || begun.Int64() > maxSeconds {
		r.fail(name, "This is to be a time from 1 second to a day.")
		return 0
	}
	return begun.Int64()
}

// size reads "1024x1536"; "auto" says nothing.
func (r *reader) size() (width, height int64) {
	text := r.text("size")
	w, h, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(text, "*", "x")), "x")
	if !ok {
		return 0, 0 // a name such as "auto" or "2K": a price may depend on it, the picture's size does not follow from it
	}
	width, errW := strconv.ParseInt(w, 10, 64)
	height, errH := strconv.ParseInt(h, 10, 64)
	if errW != nil || errH != nil || width < 1 || height < 1 || width > maxSide || height > maxSide {
		r.fail("size", "This is to be a size such as 1024x1024.")
		return 0, 0
	}
	return width, height
}

// items counts what a member lists; something that is no list is one item.
func (r *reader) items(names ...string) int64 {
	_, raw := r.find(names)
	var list []json.RawMessage
	switch {
	case raw == nil:
		return 0
	case json.Unmarshal(raw, &list) != nil:
		return 1
	}
	return int64(len(list))
}

// said is all text within a member, however deep it stands. Files that stand in the text are left out.
func (r *reader) said(name string) string {
	var v any
	if raw := r.members[name]; raw == nil || json.Unmarshal(raw, &v) != nil {
		return ""
	}
	var out strings.Builder
	collect(&out, v)
	return out.String()
}

func collect(out *strings.Builder, v any) {
	switch v := v.(type) {
	case string:
		if !strings.HasPrefix(v, "data:") {
			out.WriteString(v)
		}
	case []any:
		for _, item := range v {
			collect(out, item)
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			collect(out, v[key])
		}
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// dimensions are the plain parameters, with two that follow from others: the resolution of a size, and the duration
// under either of its names.
func (r *reader) dimensions(a *Asked) map[string]string {
	out := map[string]string{}
	for name, raw := range r.members {
		text := strings.TrimSpace(string(raw))
		var s string
		if json.Unmarshal(raw, &s) == nil {
			text = s
		}
		if text != "" && len(text) <= maxValue && text != "null" && !strings.ContainsAny(text[:1], "{[") {
			out[name] = text
		}
	}
	if a.Seconds > 0 {
		also(out, "duration", strconv.FormatInt(a.Seconds, 10))
		also(out, "seconds", strconv.FormatInt(a.Seconds, 10))
	}
	if a.Width > 0 {
		also(out, "resolution", strconv.FormatInt(min(a.Width, a.Height), 10)+"p")
	}
	return out
}

func also(out map[string]string, name, value string) {
	if _, known := out[name]; !known {
		out[name] = value
	}
}
