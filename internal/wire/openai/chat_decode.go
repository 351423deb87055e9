package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// DecodeRequest reads a chat completion request.
func (chatCodec) DecodeRequest(body []byte) (*inference.Prompt, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	d := chatDecoder{p: &inference.Prompt{}}
	if err := doc.Members(d.member); err != nil {
		return nil, err
	}
	if d.logprobs && d.p.TopLogprobs == nil {
		d.p.TopLogprobs = new(int64)
	}
	return d.p, nil
}

type chatDecoder struct {
	p        *inference.Prompt
	logprobs bool
	// legacy is the name of the last function that a message without ids called.
	legacy map[string]string
}

func (d *chatDecoder) member(key string, v jsondoc.Value) error {
	if !v.Given() {
		return nil
	}
	p := d.p
	switch key {
	case "model":
		return v.Text(&p.Model)
	case "messages":
		return v.Elements(d.message)
	case "stream":
		return v.Truth(&p.Stream)
	case "stream_options":
		return v.Members(d.streamOption)
	case "max_completion_tokens", "max_tokens":
		return d.maxOutput(key, v)
	case "n":
		return v.Whole(&p.Choices)
	case "stop":
		return d.stop(v)
	case "runMode": // Gantry's own
		return nil
	}
	return d.tuning(key, v)
}

func (d *chatDecoder) tuning(key string, v jsondoc.Value) error {
	p := d.p
	switch key {
	case "temperature":
		return v.Figure(&p.Temperature)
	case "top_p":
		return v.Figure(&p.TopP)
	case "top_k":
		return v.Figure(&p.TopK)
	case "seed":
		return v.Figure(&p.Seed)
	case "presence_penalty":
		return v.Figure(&p.PresencePenalty)
	case "frequency_penalty":
		return v.Figure(&p.FrequencyPenalty)
	case "logprobs":
		return v.Truth(&d.logprobs)
	case "top_logprobs":
		p.TopLogprobs = new(int64)
		return v.Whole(p.TopLogprobs)
	case "reasoning_effort":
		return v.Text(&p.Reasoning.Effort)
	case "verbosity":
		return v.Text(&p.Verbosity)
	case "response_format":
		return d.format(v)
	case "modalities":
		var err error
		p.Output.Modalities, err = v.Strings()
		return err
	}
	return d.tooling(key, v)
}

func (d *chatDecoder) tooling(key string, v jsondoc.Value) error {
	p := d.p
	switch key {
	case "tools":
		return v.Elements(d.tool)
	case "functions":
		return v.Elements(func(v jsondoc.Value) error { return d.function(v, v) })
	case "tool_choice", "function_call":
		return d.choice(v)
	case "parallel_tool_calls":
		parallel, err := v.Bool()
		p.Serial = !parallel
		return err
	case "web_search_options":
		rest := chatRest(v)
		p.Tools = append(p.Tools, inference.Tool{Server: inference.WebSearch, Other: &rest, Path: v.Path})
		return nil
	}
	return d.circumstance(key, v)
}

func (d *chatDecoder) circumstance(key string, v jsondoc.Value) error {
	p := d.p
	switch key {
	case "user":
		if p.User == "" {
			return v.Text(&p.User)
		}
		return nil
	case "safety_identifier":
		return v.Text(&p.User)
	case "prompt_cache_key":
		return v.Text(&p.CacheKey)
	case "service_tier":
		return v.Text(&p.ServiceTier)
	case "store":
		return v.MaybeTruth(&p.Store)
	case "metadata":
		var err error
		p.Metadata, err = v.Object()
		return err
	}
	p.Rest = append(p.Rest, chatRest(v))
	return nil
}

func (d *chatDecoder) streamOption(key string, v jsondoc.Value) error {
	if key == "include_usage" {
		return v.Truth(&d.p.StreamUsage)
	}
	return nil // the others are about the bytes of this very protocol
}

// maxOutput reads the limit; of its two names the newer one counts.
func (d *chatDecoder) maxOutput(key string, v jsondoc.Value) error {
	n, err := v.Int()
	if key == "max_completion_tokens" || d.p.MaxOutput == 0 {
		d.p.MaxOutput = n
	}
	return err
}

func (d *chatDecoder) stop(v jsondoc.Value) (err error) {
	if v.IsString() {
		d.p.Stop = make([]string, 1)
		return v.Text(&d.p.Stop[0])
	}
	d.p.Stop, err = v.Strings()
	return err
}

func (d *chatDecoder) format(v jsondoc.Value) error {
	var kind string
	o := &d.p.Output
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "type":
			return v.Text(&kind)
		case "json_schema":
			return v.Members(func(key string, v jsondoc.Value) error { return d.schema(o, key, v) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch kind {
	case "text":
	case "json_object":
		o.Kind = inference.OutputJSON
	case "json_schema":
		o.Kind = inference.OutputSchema
	default:
		d.p.Rest = append(d.p.Rest, chatRest(v))
	}
	return nil
}

func (d *chatDecoder) schema(o *inference.Output, key string, v jsondoc.Value) (err error) {
	switch key {
	case "name":
		return v.Text(&o.Name)
	case "description":
		return v.Text(&o.Description)
	case "strict":
		return v.MaybeTruth(&o.Strict)
	case "schema":
		o.Schema, err = v.Object()
	}
	return err
}
