package openai

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Change is what to change of a request before it goes out. The zero value changes nothing.
type Change struct {
	// Model is the upstream's name of the model; "" leaves it.
	Model string
	// MaxOutput is the cap on output tokens; 0 leaves the caller's, if there is one.
	MaxOutput int64
	// MaxOutputParam names the member that holds the cap: "max_tokens" or "max_completion_tokens". With it, a cap of the
	// other name is renamed, because an upstream that does not know a name ignores the cap. "" keeps the caller's name, and
	// uses "max_tokens" where there is none.
	MaxOutputParam string
	// AskUsage sets stream_options.include_usage. Use it on streamed requests only: upstreams refuse it on others.
	AskUsage bool
	// StripRunMode removes runMode, which upstreams do not know.
	StripRunMode bool
}

// maxEdits is more than Rewrite can need: model, cap under two names, usage, run mode.
const maxEdits = 5

// Rewrite appends body, from which the facts were read, to dst with the change made. Every other byte stays as it is.
// Where there is nothing to change and dst is nil, the body itself is returned.
func (f *Facts) Rewrite(dst, body []byte, c Change) []byte {
	var edits [maxEdits]jsonscan.Edit
	list := edits[:0]
	if c.Model != "" && c.Model != f.Model {
		list = append(list, jsonscan.Edit{Field: f.spans[keyModel], Text: jsondoc.AppendString(nil, c.Model)})
	}
	if c.MaxOutput == 0 {
		c.MaxOutput = f.MaxOutput
	}
	if c.MaxOutput > 0 && (c.MaxOutput != f.MaxOutput || c.MaxOutputParam != "") {
		list = f.capEdits(list, body, c)
	}
	if c.AskUsage && !f.IncludeUsage {
		list = append(list, f.usageEdit())
	}
	if c.StripRunMode && f.spans[keyRunMode].Found() {
		list = append(list, jsonscan.Edit{Field: jsonscan.Member(body, f.spans[keyRunMode])})
	}
	if len(list) == 0 && dst == nil {
		return body
	}
	return jsonscan.Apply(dst, body, list...)
}

// capEdits sets the member that is to hold the cap and, where the caller's cap has the other name, renames it or makes
// it null.
func (f *Facts) capEdits(list []jsonscan.Edit, body []byte, c Change) []jsonscan.Edit {
	own, other := keyMaxTokens, keyMaxCompletionTokens
	_, otherGiven := f.given(body, other)
	if c.MaxOutputParam == keyNames[other] || c.MaxOutputParam == "" && otherGiven {
		own, other = other, own
	}
	_, otherGiven = f.given(body, other)
	switch {
	case f.spans[own].Found() && c.MaxOutput == f.MaxOutput && !otherGiven:
		return list // it is there already
	case f.spans[own].Found():
		list = append(list, jsonscan.Edit{Field: f.spans[own], Text: strconv.AppendInt(nil, c.MaxOutput, 10)})
	case otherGiven:
		member := jsonscan.Field{Start: jsonscan.Key(body, f.spans[other]).Start, End: f.spans[other].End}
		return append(list, jsonscan.Edit{Field: member, Text: appendCap(nil, keyNames[own], c.MaxOutput)})
	default:
		return append(list, jsonscan.Edit{At: f.insertAt, Text: append(appendCap(nil, keyNames[own], c.MaxOutput), ',')})
	}
	if otherGiven {
		list = append(list, jsonscan.Edit{Field: f.spans[other], Text: []byte("null")})
	}
	return list
}

func appendCap(dst []byte, name string, n int64) []byte {
	dst = append(jsondoc.AppendString(dst, name), ':')
	return strconv.AppendInt(dst, n, 10)
}

// usageEdit turns include_usage on: in place, inside the options that are there, or with options of its own.
func (f *Facts) usageEdit() jsonscan.Edit {
	const on = `"include_usage":true`
	switch o := f.options; {
	case o.include.Found():
		return jsonscan.Edit{Field: o.include, Text: []byte("true")}
	case o.insertAt > 0 && o.members > 0:
		return jsonscan.Edit{At: o.insertAt, Text: []byte(on + ",")}
	case o.insertAt > 0:
		return jsonscan.Edit{At: o.insertAt, Text: []byte(on)}
	case f.spans[keyStreamOptions].Found():
		return jsonscan.Edit{Field: f.spans[keyStreamOptions], Text: []byte("{" + on + "}")}
	}
	return jsonscan.Edit{At: f.insertAt, Text: []byte(`"stream_options":{` + on + `},`)}
}
