package anthropic

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// DecodeRequest reads a request for a message.
func (codec) DecodeRequest(body []byte) (*inference.Prompt, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	d := decoder{p: &inference.Prompt{StreamUsage: true}, names: map[string]string{}}
	if err := doc.Members(d.member); err != nil {
		return nil, err
	}
	return d.p, nil
}

type decoder struct {
	p     *inference.Prompt
	names map[string]string // of the tools that were called, by the call's id
}

func (d *decoder) member(key string, v jsondoc.Value) error {
	if !v.Given() {
		return nil
	}
	p := d.p
	switch key {
	case "model":
		return v.Text(&p.Model)
	case "max_tokens":
		return v.Whole(&p.MaxOutput)
	case "messages":
		return v.Elements(d.message)
	case "system":
		return d.system(v)
	case "stream":
		return v.Truth(&p.Stream)
	case "stop_sequences":
		var err error
		p.Stop, err = v.Strings()
		return err
	case "temperature":
		return v.Figure(&p.Temperature)
	case "top_p":
		return v.Figure(&p.TopP)
	case "top_k":
		return v.Figure(&p.TopK)
	case "runMode": // Gantry's own
		return nil
	}
	return d.further(key, v)
}

func (d *decoder) further(key string, v jsondoc.Value) error {
	switch key {
	case "metadata":
		return v.Members(d.metadata)
	case "thinking":
		return d.thinking(v)
	case "output_config":
		return v.Members(d.outputConfig)
	case "output_format":
		return d.format(v)
	case "tools":
		return v.Elements(d.tool)
	case "tool_choice":
		return d.choice(v)
	case "mcp_servers": // tools, as it were: who asks for them does not want to go without
		d.p.Tools = append(d.p.Tools, inference.Tool{Server: inference.ServerOther, Other: restOf(v), Path: v.Path})
		return nil
	case "service_tier":
		err := v.Text(&d.p.ServiceTier)
		if d.p.ServiceTier == "standard_only" {
			d.p.ServiceTier = "default"
		}
		return err
	}
	d.p.Rest = append(d.p.Rest, *restOf(v))
	return nil
}

func (d *decoder) metadata(key string, v jsondoc.Value) error {
	if key == "user_id" {
		return v.Text(&d.p.User)
	}
	d.p.Rest = append(d.p.Rest, *restOf(v))
	return nil
}

func (d *decoder) thinking(v jsondoc.Value) error {
	var kind, display string
	r := &d.p.Reasoning
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "type":
			return v.Text(&kind)
		case "budget_tokens":
			return v.Whole(&r.Budget)
		case "display":
			return v.Text(&display)
		}
		return nil
	})
	switch kind {
	case "enabled", "disabled":
		r.HasBudget = true
	case "adaptive":
		r.Adaptive = true
	default:
		return invalid(v.Path+".type", "Expected enabled, disabled or adaptive.")
	}
	if kind == "disabled" {
		r.Budget = 0
	}
	r.Seals = kind != "disabled"
	switch {
	case display == "omitted":
		r.Summary = "hidden"
	case kind != "disabled": // models of this protocol show what they think unless they are told not to
		r.Summary = "auto"
	}
	return err
}

func (d *decoder) outputConfig(key string, v jsondoc.Value) error {
	switch key {
	case "effort":
		return v.Text(&d.p.Reasoning.Effort)
	case "format":
		return d.format(v)
	}
	d.p.Rest = append(d.p.Rest, *restOf(v))
	return nil
}

func (d *decoder) format(v jsondoc.Value) error {
	if !v.Given() {
		return nil
	}
	var kind string
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "type":
			return v.Text(&kind)
		case "schema":
			d.p.Output.Schema, err = v.Object()
		}
		return err
	})
	if err == nil && kind != "json_schema" {
		return invalid(v.Path+".type", "Expected json_schema.")
	}
	d.p.Output.Kind = inference.OutputSchema
	return err
}

// billingLine begins a line with which Claude Code tells Anthropic what it pays for. It is nobody else's business, and
// differs each time, which would keep prompts from being cached.
const billingLine = "x-anthropic-billing-header:"

func (d *decoder) system(v jsondoc.Value) error {
	parts, err := d.content(v)
	for i := range parts {
		if !strings.HasPrefix(parts[i].Text, billingLine) {
			d.p.System = append(d.p.System, parts[i])
		}
	}
	return err
}

func (d *decoder) message(v jsondoc.Value) error {
	var role string
	var content jsondoc.Value
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "role":
			return v.Text(&role)
		case "content":
			content = v
		}
		return nil
	})
	if err != nil {
		return err
	}
	t := inference.Turn{Path: v.Path}
	switch role {
	case "user":
	case "assistant":
		t.Role = inference.RoleAssistant
	default:
		return invalid(v.Path+".role", "Expected user or assistant.")
	}
	if !content.Given() {
		return required(v.Path + ".content")
	}
	t.Parts, err = d.content(content)
	d.p.Turns = append(d.p.Turns, t)
	return err
}
