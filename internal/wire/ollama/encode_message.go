package ollama

import (
	"encoding/json"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

func (e *encoder) messages() error {
	e.w.Key("messages").Open('[')
	if len(e.p.System) > 0 {
		if err := e.plain("system", e.p.System); err != nil {
			return err
		}
	}
	for i := range e.p.Turns {
		if err := e.turn(&e.p.Turns[i]); err != nil {
			return err
		}
	}
	e.w.Close(']')
	return nil
}

func (e *encoder) turn(t *inference.Turn) error {
	switch t.Role {
	case inference.RoleSystem:
		return e.plain("system", t.Parts)
	case inference.RoleAssistant:
		return e.assistant(t)
	case inference.RoleUser:
	}
	return e.user(t)
}

// content is what a message says: a text, and pictures beside it.
type content struct{ texts, images []string }

func (c *content) add(e *encoder, p *inference.Part) error {
	switch p.Kind {
	case inference.PartText, inference.PartRefusal:
		c.texts = append(c.texts, p.Text)
		return nil
	case inference.PartImage:
		if p.Media.Data == "" {
			return e.l.Content(p.Path, "", "Ollama fetches no addresses: send the picture itself.")
		}
		c.images = append(c.images, p.Media.Data)
		return nil
	case inference.PartDocument:
		if p.Media.Text {
			c.texts = append(c.texts, p.Media.Data)
			return nil
		}
	default:
	}
	return e.l.Content(p.Path, "", "Ollama cannot carry this content here.")
}

func (e *encoder) plain(role string, parts []inference.Part) error {
	var c content
	for i := range parts {
		if err := c.add(e, &parts[i]); err != nil {
			return err
		}
	}
	e.w.Open('{').Key("role").Str(role).Key("content").Str(strings.Join(c.texts, "\n\n"))
	e.images(&c)
	e.w.Close('}')
	return nil
}

func (e *encoder) images(c *content) {
	if len(c.images) == 0 {
		return
	}
	e.w.Key("images").Open('[')
	for _, data := range c.images {
		e.w.Str(data)
	}
	e.w.Close(']')
}

// user writes the results of tools, each a message of its own, and then what the user says.
func (e *encoder) user(t *inference.Turn) error {
	var said []inference.Part
	for i := range t.Parts {
		p := &t.Parts[i]
		if p.Kind != inference.PartResult {
			said = append(said, *p)
			continue
		}
		if err := e.result(p.Result); err != nil {
			return err
		}
	}
	if len(said) == 0 && len(t.Parts) > 0 {
		return nil
	}
	return e.plain("user", said)
}

func (e *encoder) result(r *inference.Result) error {
	var c content
	for i := range r.Parts {
		if err := c.add(e, &r.Parts[i]); err != nil {
			return err
		}
	}
	name := r.Name
	if name == "" {
		name = e.names[r.ID]
	}
	e.w.Open('{').Key("role").Str("tool").Key("content").Str(strings.Join(c.texts, "\n\n"))
	e.images(&c)
	e.w.Text("tool_name", name).Text("tool_call_id", r.ID).Close('}')
	return nil
}

// assistant writes an earlier answer. Its reasoning is returned to models that want it.
func (e *encoder) assistant(t *inference.Turn) error {
	var c content
	var reasoning []string
	var calls []*inference.Part
	for i := range t.Parts {
		switch p := &t.Parts[i]; p.Kind {
		case inference.PartReasoning:
			reasoning = append(reasoning, p.Text)
		case inference.PartCall:
			calls = append(calls, p)
			e.names[p.Call.ID] = p.Call.Name
		default:
			if err := c.add(e, p); err != nil {
				return err
			}
		}
	}
	e.w.Open('{').Key("role").Str("assistant").Key("content").Str(strings.Join(c.texts, ""))
	e.images(&c)
	if e.o.ReturnReasoning {
		e.w.Text("thinking", strings.Join(reasoning, "\n\n"))
	} else if len(reasoning) > 0 {
		e.l.Changed(t.Path, "with its reasoning", "without it", "The upstream does not take the reasoning of earlier turns.")
	}
	e.calls(calls)
	e.w.Close('}')
	return nil
}

func (e *encoder) calls(calls []*inference.Part) {
	if len(calls) == 0 {
		return
	}
	e.w.Key("tool_calls").Open('[')
	for _, p := range calls {
		e.w.Open('{').Key("id").Str(p.Call.ID).Key("function").Open('{').Key("name").Str(p.Call.Name)
		e.w.Key("arguments").Raw(e.arguments(p)).Close('}').Close('}')
	}
	e.w.Close(']')
}

// arguments must be an object here.
func (e *encoder) arguments(p *inference.Part) string {
	text := strings.TrimSpace(p.Text)
	if text == "" {
		return "{}"
	}
	if strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		return text
	}
	w := jsondoc.Writer{}
	w.Open('{').Key("_raw").Str(p.Text).Close('}')
	e.l.Changed(p.Path, p.Text, string(w.B), "Arguments are an object in Ollama.")
	return string(w.B)
}
