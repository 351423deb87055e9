package anthropic

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// maxFigure is the highest figure that is believed.
const maxFigure = 1_000_000_000

const (
	uInput = iota
	uCacheCreation
	uCacheRead
	uOutput
	uCreation
	uServerTools
	numUsageKeys
)

var (
	usageKeys = jsonscan.NewKeys("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens",
		"cache_creation", "server_tool_use")
	creationKeys = jsonscan.NewKeys("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
	serverKeys   = jsonscan.NewKeys("web_search_requests")
)

// figures are the provider's own. They are cumulative, so that of several the last one counts, field by field. The classes of
// the input are disjoint; thinking is within the output and cannot be told apart.
type figures struct {
	input, written, read, output figure
	short, long                  figure // of written: kept for five minutes, and for an hour
	searches                     figure
	bad                          bool
}

// figure is a number that may be untold.
type figure struct {
	n    int64
	told bool
}

// add takes in a usage object; what it does not name stays.
func (f *figures) add(object []byte) {
	if !isObject(object) {
		return
	}
	var spans [numUsageKeys]jsonscan.Field
	if _, _, err := usageKeys.Scan(object, spans[:]); err != nil {
		f.bad = true
		return
	}
	f.take(&f.input, object, spans[uInput])
	f.take(&f.written, object, spans[uCacheCreation])
	f.take(&f.read, object, spans[uCacheRead])
	f.take(&f.output, object, spans[uOutput])
	if creation := spans[uCreation].In(object); isObject(creation) {
		var parts [2]jsonscan.Field
		_, _, err := creationKeys.Scan(creation, parts[:])
		f.bad = f.bad || err != nil
		f.take(&f.short, creation, parts[0])
		f.take(&f.long, creation, parts[1])
	}
	if tools := spans[uServerTools].In(object); isObject(tools) {
		var parts [1]jsonscan.Field
		_, _, err := serverKeys.Scan(tools, parts[:])
		f.bad = f.bad || err != nil
		f.take(&f.searches, tools, parts[0])
	}
}

// take reads one figure; anything that is no plain number of tokens makes all of them bad.
func (f *figures) take(to *figure, body []byte, span jsonscan.Field) {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return
	}
	n, err := jsonscan.Int(body, span)
	if err != nil || n < 0 || n > maxFigure {
		f.bad = true
		return
	}
	*to = figure{n, true}
}

// usage gives each token to one resource; all of them together are the provider's total. False means that there is nothing
// that can be trusted: a figure is missing, negative, not an integer, above 1e9, or larger than what it is part of.
// Source: MONEY, section 3.
func (f *figures) usage() (inference.Usage, bool) {
	var u inference.Usage
	written := f.written.n
	if !f.written.told {
		written = f.short.n + f.long.n
	}
	if f.bad || !f.input.told || !f.output.told || f.short.n+f.long.n > written {
		return u, false
	}
	if f.input.n+written+f.read.n+f.output.n == 0 { // a place-holder: no call takes nothing
		return u, false
	}
	u.Quantities[inference.TextInput] = f.input.n
	u.Quantities[inference.TextInputCached] = f.read.n
	u.Quantities[inference.TextCacheWrite] = written - f.long.n
	u.Quantities[inference.TextCacheWrite1h] = f.long.n
	u.Quantities[inference.TextOutput] = f.output.n
	u.Quantities[inference.Search] = f.searches.n
	return u, true
}

// Usage reads the usage of a whole answer. See figures.usage.
func Usage(body []byte) (inference.Usage, bool) {
	var out [numParts]jsonscan.Field
	if _, _, err := answerParts.Scan(body, out[:]); err != nil {
		return inference.Usage{}, false
	}
	var f figures
	f.add(out[partUsage].In(body))
	return f.usage()
}
