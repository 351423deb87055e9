package openai

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// readTurn reads an item of the input. What the model did in one go is one turn, in the order in which it came: reasoning, then
// what it led to. Results of tools that follow each other are one turn.
func (r *promptReader) readTurn(raw []byte, path string) {
	i, ok := r.item(raw, path)
	if !ok || r.sealsBefore(&i) {
		return
	}
	turn := inference.Turn{Role: r.role(&i), Parts: r.parts(&i), Path: path}
	if turn.Role == inference.RoleSystem && !r.talking {
		r.prompt.System = append(r.prompt.System, turn.Parts...)
		return
	}
	r.talking = true
	r.tie(turn.Parts)
	if last := r.last(); last != nil && joins(last, &turn, i.typ) {
		last.Parts = append(last.Parts, turn.Parts...)
		return
	}
	r.prompt.Turns = append(r.prompt.Turns, turn)
}

func (r *promptReader) last() *inference.Turn {
	if len(r.prompt.Turns) == 0 {
		return nil
	}
	return &r.prompt.Turns[len(r.prompt.Turns)-1]
}

// joins reports whether an item goes on with a turn. Behind a text only calls do: another message or other reasoning is another
// contribution.
func joins(last, next *inference.Turn, typ string) bool {
	if last.Role != next.Role || len(last.Parts) == 0 {
		return false
	}
	ended := last.Parts[len(last.Parts)-1].Kind
	if next.Role == inference.RoleUser {
		return ended == inference.PartResult && strings.HasSuffix(typ, "_output") && next.Parts[0].Kind == inference.PartResult
	}
	if next.Role == inference.RoleSystem {
		return false
	}
	said := ended == inference.PartText || ended == inference.PartRefusal
	return !said || typ != "message" && typ != "reasoning"
}

// role says whose an item is.
func (r *promptReader) role(i *responseItem) inference.Role {
	if i.typ != "message" {
		if strings.HasSuffix(i.typ, "_output") || i.typ == "mcp_approval_response" {
			return inference.RoleUser
		}
		return inference.RoleAssistant
	}
	switch r.required(i.of(itemRole), i.path, "role") {
	case "user", "":
	case "assistant":
		return inference.RoleAssistant
	case "system", "developer":
		return inference.RoleSystem
	default:
		r.fail(invalidValue(i.path+".role", "Invalid '"+i.path+".role': expected user, assistant, system or developer."))
	}
	return inference.RoleUser
}

// tie notes the names of what is called, and gives them to the results.
func (r *promptReader) tie(parts []inference.Part) {
	for _, p := range parts {
		switch p.Kind {
		case inference.PartCall:
			if r.calls == nil {
				r.calls = map[string]string{}
			}
			r.calls[p.Call.ID] = p.Call.Name
		case inference.PartResult:
			p.Result.Name = r.calls[p.Result.ID]
		default:
		}
	}
}

// sealsBefore puts the seal of the part before, which travelled as an item of its own, back where it belongs.
func (r *promptReader) sealsBefore(i *responseItem) bool {
	if i.typ != "reasoning" {
		return false
	}
	seal, role := unwrapSeal(r.text(i.of(itemEncrypted), i.path, "encrypted_content"))
	if role != sealsBefore {
		return false
	}
	if last := r.last(); last != nil && last.Role == inference.RoleAssistant && len(last.Parts) > 0 {
		last.Parts[len(last.Parts)-1].Seal = seal
	}
	return true
}
