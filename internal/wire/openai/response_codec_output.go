package openai

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

const (
	textFormat = iota
	textVerbosity
	numTexts
)

const (
	formatType = iota
	formatName
	formatDescription
	formatSchema
	formatStrict
	numFormats
)

const (
	thinkEffort = iota
	thinkSummary
	thinkGenerate
	numThinks
)

var (
	textNames   = [numTexts]string{"format", "verbosity"}
	textKeys    = jsonscan.NewKeys(textNames[:]...)
	textKnown   = nameSet(textNames[:])
	formatNames = [numFormats]string{"type", "name", "description", "schema", "strict"}
	formatKeys  = jsonscan.NewKeys(formatNames[:]...)
	formatKnown = nameSet(formatNames[:])
	thinkNames  = [numThinks]string{"effort", "summary", "generate_summary"}
	thinkKeys   = jsonscan.NewKeys(thinkNames[:]...)
	thinkKnown  = nameSet(thinkNames[:])
)

// The members of include that have a place in the pivot.
const (
	includeSeals    = "reasoning.encrypted_content"
	includeLogprobs = "message.output_text.logprobs"
)

// readOutput reads text, reasoning and include.
func (r *promptReader) readOutput() {
	var out [numTexts]jsonscan.Field
	if text := r.of(askText); r.scan(textKeys, text, out[:], "text") {
		r.prompt.Verbosity = r.text(out[textVerbosity].In(text), "text", "verbosity")
		r.readFormat(out[textFormat].In(text))
		r.others(text, textKnown, "text")
	}
	r.readReasoning()
	r.readInclude()
}

func (r *promptReader) readFormat(format []byte) {
	const path = "text.format"
	var out [numFormats]jsonscan.Field
	if !r.scan(formatKeys, format, out[:], path) {
		return
	}
	o := &r.prompt.Output
	switch typ := r.required(out[formatType].In(format), path, "type"); typ {
	case "text", "":
	case "json_object":
		o.Kind = inference.OutputJSON
	case "json_schema":
		o.Kind = inference.OutputSchema
		o.Name = r.required(out[formatName].In(format), path, "name")
		o.Description = r.text(out[formatDescription].In(format), path, "description")
		o.Strict = r.flag(out[formatStrict].In(format), path+".strict")
		o.Schema = r.schema(out[formatSchema].In(format), path+".schema")
		if o.Schema == nil {
			r.fail(missing(path+".schema", "Missing required parameter: 'text.format.schema'."))
		}
	default:
		r.keep(path, format)
		return
	}
	r.others(format, formatKnown, path)
}

// schema reads a JSON Schema: an object; null and nothing are none.
func (r *responseReader) schema(value []byte, path string) json.RawMessage {
	if !isGiven(value) {
		return nil
	}
	if !isObject(value) {
		r.fail(invalidType(path, "an object"))
		return nil
	}
	return value
}

func (r *promptReader) readReasoning() {
	const path = "reasoning"
	var out [numThinks]jsonscan.Field
	think := r.of(askReasoning)
	if !r.scan(thinkKeys, think, out[:], path) {
		return
	}
	to := &r.prompt.Reasoning
	to.Effort = r.text(out[thinkEffort].In(think), path, "effort")
	to.Summary = r.text(out[thinkSummary].In(think), path, "summary")
	if former := r.text(out[thinkGenerate].In(think), path, "generate_summary"); to.Summary == "" {
		to.Summary = former
	}
	r.others(think, thinkKnown, path)
}

// readInclude reads what the caller wants to see more of. What is left is kept as a list.
func (r *promptReader) readInclude() {
	var left responsePen
	n := 0
	for it := r.list(r.of(askInclude), "", "include"); it.Next(); n++ {
		switch s := r.text(it.Value, indexPath("include", n), ""); s {
		case includeSeals:
			r.prompt.Reasoning.Seals = true
		case includeLogprobs:
			if r.prompt.TopLogprobs == nil {
				r.prompt.TopLogprobs = new(int64)
			}
		default:
			left.element(s)
		}
	}
	if len(left.B) > 0 {
		r.keep("include", append(append([]byte{'['}, left.B...), ']'))
	}
}
