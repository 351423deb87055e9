package gemini

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// DecodeRequest reads a request to generate content.
func (codec) DecodeRequest(body []byte) (*inference.Prompt, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	d := decoder{p: &inference.Prompt{StreamUsage: true}, pending: map[string][]string{}}
	if err := doc.Members(d.member); err != nil {
		return nil, err
	}
	if d.logprobs && d.p.TopLogprobs == nil {
		d.p.TopLogprobs = new(int64)
	}
	return d.p, nil
}

type decoder struct {
	p        *inference.Prompt
	logprobs bool
	calls    int
	// pending are the ids of calls that were not answered yet, by the function's name.
	pending map[string][]string
}

func (d *decoder) member(key string, v jsondoc.Value) error {
	if !v.Given() {
		return nil
	}
	switch camel(key) {
	case "contents":
		return v.Elements(d.content)
	case "systemInstruction":
		return d.system(v)
	case "generationConfig":
		return v.Members(d.setting)
	case "tools":
		return v.Elements(d.tool)
	case "toolConfig":
		return v.Members(d.toolConfig)
	case "model", "runMode": // of the address, and Gantry's own
		return nil
	}
	d.rest(v)
	return nil
}

func (d *decoder) rest(v jsondoc.Value) { d.p.Rest = append(d.p.Rest, restOf(v)) }

func (d *decoder) setting(key string, v jsondoc.Value) (err error) {
	if !v.Given() {
		return nil
	}
	p := d.p
	switch camel(key) {
	case "maxOutputTokens":
		return v.Whole(&p.MaxOutput)
	case "candidateCount":
		return v.Whole(&p.Choices)
	case "stopSequences":
		p.Stop, err = v.Strings()
		return err
	case "temperature":
		return v.Figure(&p.Temperature)
	case "topP":
		return v.Figure(&p.TopP)
	case "topK":
		return v.Figure(&p.TopK)
	case "presencePenalty":
		return v.Figure(&p.PresencePenalty)
	case "frequencyPenalty":
		return v.Figure(&p.FrequencyPenalty)
	case "seed":
		return v.Figure(&p.Seed)
	case "responseLogprobs":
		return v.Truth(&d.logprobs)
	case "logprobs":
		p.TopLogprobs = new(int64)
		return v.Whole(p.TopLogprobs)
	}
	return d.form(key, v)
}

// form reads what the answer is to be made of.
func (d *decoder) form(key string, v jsondoc.Value) error {
	o := &d.p.Output
	switch camel(key) {
	case "responseMimeType":
		return d.mime(v)
	case "responseSchema":
		o.Kind, o.Schema = inference.OutputSchema, fromGoogle(v.Raw)
		return nil
	case "responseJsonSchema":
		var err error
		o.Kind = inference.OutputSchema
		o.Schema, err = v.Object()
		return err
	case "responseModalities":
		words, err := v.Strings()
		for _, w := range words {
			o.Modalities = append(o.Modalities, strings.ToLower(w))
		}
		return err
	case "thinkingConfig":
		return v.Members(d.thinking)
	}
	d.rest(v)
	return nil
}

func (d *decoder) mime(v jsondoc.Value) error {
	mime, err := v.String()
	switch mime {
	case "", "text/plain":
	case "application/json":
		if d.p.Output.Kind == inference.OutputText {
			d.p.Output.Kind = inference.OutputJSON
		}
	default:
		d.rest(v)
	}
	return err
}

func (d *decoder) thinking(key string, v jsondoc.Value) error {
	r := &d.p.Reasoning
	switch camel(key) {
	case "includeThoughts":
		shown, err := v.Bool()
		r.Summary = "hidden"
		if shown {
			r.Summary = "auto"
		}
		return err
	case "thinkingBudget":
		r.HasBudget = v.Given()
		return v.Whole(&r.Budget)
	case "thinkingLevel":
		level, err := v.String()
		r.Effort = strings.TrimPrefix(strings.ToLower(level), "thinking_level_")
		if r.Effort == "unspecified" {
			r.Effort = ""
		}
		return err
	}
	d.rest(v)
	return nil
}

func (d *decoder) tool(v jsondoc.Value) error {
	return v.Members(func(key string, inner jsondoc.Value) error {
		switch camel(key) {
		case "functionDeclarations":
			return inner.Elements(d.function)
		case "googleSearch", "googleSearchRetrieval":
			rest := restOf(v)
			d.p.Tools = append(d.p.Tools, inference.Tool{Server: inference.WebSearch, Other: &rest, Path: v.Path})
		default:
			rest := restOf(v)
			d.p.Tools = append(d.p.Tools, inference.Tool{Server: inference.ServerOther, Other: &rest, Path: v.Path})
		}
		return nil
	})
}

func (d *decoder) function(v jsondoc.Value) error {
	t := inference.Tool{Path: v.Path}
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch camel(key) {
		case "name":
			return v.Text(&t.Name)
		case "description":
			return v.Text(&t.Description)
		case "parameters":
			if v.Given() {
				t.Schema = fromGoogle(v.Raw)
			}
		case "parametersJsonSchema":
			t.Schema, err = v.Object()
		case "response", "responseJsonSchema", "behavior":
		}
		return err
	})
	if err == nil && t.Name == "" {
		err = required(v.Path+".name", "A function needs a name.")
	}
	d.p.Tools = append(d.p.Tools, t)
	return err
}

var modes = map[string]inference.ToolMode{
	"AUTO": inference.ToolsAuto, "ANY": inference.ToolsRequired, "NONE": inference.ToolsNone, "VALIDATED": inference.ToolsAuto,
	"": inference.ToolsUnsaid, "MODE_UNSPECIFIED": inference.ToolsUnsaid,
}

func (d *decoder) toolConfig(key string, v jsondoc.Value) error {
	if camel(key) != "functionCallingConfig" {
		d.rest(v)
		return nil
	}
	return v.Members(func(key string, v jsondoc.Value) (err error) {
		switch camel(key) {
		case "mode":
			word, err := v.String()
			mode, known := modes[strings.ToUpper(word)]
			if err == nil && !known {
				err = required(v.Path, "Expected AUTO, ANY, NONE or VALIDATED.")
			}
			d.p.Choice.Mode = mode
			return err
		case "allowedFunctionNames":
			d.p.Choice.Names, err = v.Strings()
		}
		return err
	})
}
