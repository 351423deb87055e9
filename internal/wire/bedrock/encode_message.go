package bedrock

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// messages writes the turns. Roles alternate: turns of one role that follow each other become one, and so do instructions in
// the middle, which only a user can give here.
func (e *encoder) messages() error {
	e.w.Key("messages").Open('[')
	turns := e.turns()
	for i, role := 0, inference.RoleUser; i < len(turns); i++ {
		if turns[i].role != role {
			return e.l.Refuse(turns[i].path, "A conversation on Bedrock begins with the user.")
		}
		if err := e.turn(&turns[i]); err != nil {
			return err
		}
		role = inference.RoleAssistant - role
	}
	if len(turns) == 0 {
		return e.l.Refuse("messages", "There is nothing to say.")
	}
	e.w.Close(']')
	return nil
}

// turn is what one role says in one go.
type turn struct {
	role  inference.Role
	path  string
	parts []*inference.Part
}

// turns merges turns of a role. Texts that are blank are refused by Bedrock, and left out.
func (e *encoder) turns() []turn {
	var out []turn
	for i := range e.p.Turns {
		t := &e.p.Turns[i]
		role := t.Role
		if role == inference.RoleSystem {
			e.l.Changed(t.Path, "system", "user", "Bedrock has instructions at the beginning only.")
			role = inference.RoleUser
		}
		for j := range t.Parts {
			p := &t.Parts[j]
			if p.Kind == inference.PartText && strings.TrimSpace(p.Text) == "" {
				continue
			}
			if n := len(out); n == 0 || out[n-1].role != role {
				out = append(out, turn{role: role, path: t.Path})
			}
			last := &out[len(out)-1]
			last.parts = append(last.parts, p)
		}
	}
	return out
}

// turn writes a message. Results come before what else the user says.
func (e *encoder) turn(t *turn) error {
	role := "user"
	if t.role == inference.RoleAssistant {
		role = "assistant"
	}
	e.w.Open('{').Key("role").Str(role).Key("content").Open('[')
	from := len(e.w.B)
	for _, results := range [...]bool{true, false} {
		for _, p := range t.parts {
			if (p.Kind == inference.PartResult) != results {
				continue
			}
			if err := e.block(p); err != nil {
				return err
			}
			e.cache(p)
		}
	}
	if len(e.w.B) == from {
		e.text("(nothing)") // all of it was left out, and a message must not be empty
	}
	e.w.Close(']').Close('}')
	return nil
}

func (e *encoder) text(s string) { e.w.Open('{').Key("text").Str(s).Close('}') }

// cache marks the end of a prefix, which is a block of its own here.
func (e *encoder) cache(p *inference.Part) {
	if p.Cache == nil {
		return
	}
	e.w.Open('{').Key("cachePoint").Open('{').Key("type").Str("default").Text("ttl", p.Cache.TTL).Close('}').Close('}')
}

func (e *encoder) block(p *inference.Part) error {
	switch p.Kind {
	case inference.PartText, inference.PartRefusal:
		e.text(p.Text)
	case inference.PartReasoning:
		e.reasoning(p)
	case inference.PartImage, inference.PartDocument, inference.PartVideo:
		return e.media(p)
	case inference.PartCall:
		e.call(p)
	case inference.PartResult:
		return e.result(p)
	case inference.PartOther:
		if !isOfBedrock(p.Other) {
			return e.cannot(p)
		}
		e.w.Bytes(p.Other.Value)
	case inference.PartAudio:
		return e.cannot(p)
	}
	return nil
}

// reasoning goes back to those alone who sealed it.
func (e *encoder) reasoning(p *inference.Part) {
	if p.Seal == nil || p.Seal.Dialect != inference.Bedrock {
		e.l.Changed(p.Path, "with its reasoning", "without it", "The reasoning was not sealed by this provider.")
		return
	}
	e.w.Open('{').Key("reasoningContent").Open('{')
	if p.Seal.Whole {
		e.w.Key("redactedContent").Str(p.Seal.Data)
	} else {
		e.w.Key("reasoningText").Open('{').Key("text").Str(p.Text).Text("signature", p.Seal.Data).Close('}')
	}
	e.w.Close('}').Close('}')
}

func (e *encoder) call(p *inference.Part) {
	e.used = append(e.used, p.Call.Name)
	e.w.Open('{').Key("toolUse").Open('{').Key("toolUseId").Str(callID(p.Call.ID)).Key("name").Str(p.Call.Name)
	e.w.Key("input").Raw(e.input(p)).Close('}').Close('}')
}

func (e *encoder) result(p *inference.Part) error {
	r := p.Result
	e.w.Open('{').Key("toolResult").Open('{').Key("toolUseId").Str(callID(r.ID)).Key("content").Open('[')
	from := len(e.w.B)
	for i := range r.Parts {
		part := &r.Parts[i]
		switch part.Kind {
		case inference.PartText:
			if strings.TrimSpace(part.Text) != "" {
				e.text(part.Text)
			}
		case inference.PartImage, inference.PartDocument, inference.PartVideo:
			if err := e.media(part); err != nil {
				return err
			}
		default:
			if err := e.cannot(part); err != nil {
				return err
			}
		}
	}
	if len(e.w.B) == from {
		e.text("(no output)")
	}
	e.w.Close(']')
	if r.Error {
		e.w.Key("status").Str("error")
	}
	e.w.Close('}').Close('}')
	return nil
}
