package openai

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// turn writes a turn as the items that it is made of, in its order: upstreams refuse reasoning that is parted from what it led
// to.
func (e *promptWriter) turn(t *inference.Turn) {
	if t.Name != "" {
		e.parameter(joinPath(t.Path, "name"), t.Name, "The protocol of the upstream has no names of participants.")
	}
	for i := 0; i < len(t.Parts); {
		n := 0
		for i+n < len(t.Parts) && isContent(&t.Parts[i+n], t.Role) && t.Parts[i+n].ID == t.Parts[i].ID {
			n++
		}
		if n > 0 {
			e.message(t, t.Parts[i:i+n])
		} else {
			e.item(&t.Parts[i])
			n = 1
		}
		i += n
	}
}

// isContent reports whether a part stands within a message, not as an item of its own.
func isContent(part *inference.Part, role inference.Role) bool {
	switch part.Kind {
	case inference.PartReasoning, inference.PartCall, inference.PartResult:
		return false
	case inference.PartImage:
		return role != inference.RoleAssistant
	case inference.PartOther:
		return !isResponseRest(part.Other) || strings.HasSuffix(part.Other.Path, "]") && strings.Contains(part.Other.Path, ".content[")
	default:
		return true
	}
}

var responseRoles = [...]string{inference.RoleUser: "user", inference.RoleAssistant: "assistant", inference.RoleSystem: "system"}

func (e *promptWriter) message(t *inference.Turn, parts []inference.Part) {
	start := len(e.B)
	e.open()
	e.text("type", "message")
	e.text("role", responseRoles[t.Role])
	if id := parts[0].ID; t.Role == inference.RoleAssistant && strings.HasPrefix(id, prefixMessage) {
		e.text("id", id)
		e.text("status", "completed")
	}
	e.array("content")
	for i := range parts {
		e.content(&parts[i], t.Role)
	}
	if e.B[len(e.B)-1] == '[' { // all of it was dropped
		e.B = e.B[:start]
		return
	}
	e.close(']')
	path, _, _ := strings.Cut(parts[0].Path, ".content")
	e.more(path)
	e.close('}')
}

// content writes a part of a message or of a tool's result.
func (e *promptWriter) content(part *inference.Part, role inference.Role) {
	switch part.Kind {
	case inference.PartText:
		e.textPart(part, role)
	case inference.PartRefusal:
		if role != inference.RoleAssistant {
			e.textPart(part, role)
			return
		}
		e.open()
		e.text("type", "refusal")
		e.text("refusal", part.Text)
		e.more(part.Path)
		e.close('}')
	case inference.PartImage:
		e.imagePart(part)
	case inference.PartDocument:
		e.documentPart(part)
	case inference.PartOther:
		if isResponseRest(part.Other) {
			e.rawElement(part.Other.Value)
			return
		}
		e.other(part)
	default:
		e.lost(e.losses.Content(part.Path, partNouns[part.Kind], "The protocol of the upstream takes no "+partNouns[part.Kind]+"."))
	}
}

var partNouns = map[inference.PartKind]string{inference.PartAudio: "sound", inference.PartVideo: "film"}

func (e *promptWriter) other(part *inference.Part) {
	if part.Other != nil {
		e.lost(e.losses.Content(part.Path, string(part.Other.Value), "Only the protocol of the request knows it."))
	}
}

func (e *promptWriter) textPart(part *inference.Part, role inference.Role) {
	e.open()
	if role == inference.RoleAssistant {
		e.text("type", "output_text")
		e.text("text", part.Text)
		if len(part.Citations) > 0 {
			e.annotations(part.Citations)
		}
	} else {
		e.text("type", "input_text")
		e.text("text", part.Text)
		e.mark(part)
	}
	e.more(part.Path)
	e.close('}')
}

// mark passes on a mark that a caller of the dialect set. Others are hints that upstreams act on by themselves.
func (e *promptWriter) mark(part *inference.Part) {
	if part.Cache != nil && part.Cache.Dialect == inference.OpenAI {
		e.object("prompt_cache_breakpoint")
		e.text("mode", "explicit")
		e.close('}')
	}
}

func (e *promptWriter) imagePart(part *inference.Part) {
	m := part.Media
	e.open()
	e.text("type", "input_image")
	if m.FileID != "" {
		e.text("file_id", m.FileID)
	} else {
		e.text("image_url", m.Address("image/png"))
	}
	e.given("detail", m.Detail)
	e.mark(part)
	e.more(part.Path)
	e.close('}')
}

func (e *promptWriter) documentPart(part *inference.Part) {
	m := part.Media
	if m.Text {
		e.losses.Changed(part.Path, "document", "text", "The protocol of the upstream takes documents of text as text.")
		e.textPart(&inference.Part{Text: m.Data, Cache: part.Cache, Path: part.Path}, inference.RoleUser)
		return
	}
	e.open()
	e.text("type", "input_file")
	switch {
	case m.FileID != "":
		e.text("file_id", m.FileID)
	case m.URL != "" && !strings.HasPrefix(m.URL, "data:"):
		e.text("file_url", m.URL)
	default:
		e.text("file_data", m.Address("application/pdf"))
	}
	e.given("filename", documentName(m))
	e.given("detail", m.Detail)
	e.mark(part)
	e.more(part.Path)
	e.close('}')
	e.parameter(joinPath(part.Path, "context"), m.Context, "The protocol of the upstream has no such parameter.")
}

// documentName is what upstreams want with data: a name.
func documentName(m *inference.Media) string {
	switch {
	case m.Name != "":
		return m.Name
	case m.Title != "":
		return m.Title
	case m.Data != "":
		return "document.pdf"
	}
	return ""
}

// item writes a part that is an item.
func (e *promptWriter) item(part *inference.Part) {
	switch part.Kind {
	case inference.PartReasoning:
		e.thought(part)
	case inference.PartCall:
		e.call(part)
	case inference.PartResult:
		e.result(part)
	case inference.PartImage:
		e.made(part)
	default:
		e.rawElement(part.Other.Value)
	}
}

// thought writes reasoning that the upstream can know again: by its seal, or by its id. Other reasoning is not sent: it would
// be refused.
func (e *promptWriter) thought(part *inference.Part) {
	sealed := part.Seal != nil && part.Seal.Dialect == inference.OpenAI
	known := part.Seal == nil && strings.HasPrefix(part.ID, prefixReasoning)
	if !sealed && !known && !e.returnReasoning {
		e.losses.Changed(part.Path, "with its reasoning", "without it", "Reasoning of another provider means nothing to the upstream.")
		return
	}
	e.open()
	e.text("type", "reasoning")
	if strings.HasPrefix(part.ID, prefixReasoning) {
		e.text("id", part.ID)
	}
	if sealed || known {
		e.summary(part.Text)
	} else {
		e.summary("")
		e.raw("content", []byte(`[{"type":"reasoning_text","text":`+string(jsondoc.AppendString(nil, part.Text))+`}]`))
	}
	if sealed {
		e.text("encrypted_content", part.Seal.Data)
	}
	e.more(part.Path)
	e.close('}')
}

// summary writes reasoning in the one place that all clients read.
func (w *responsePen) summary(text string) {
	w.array("summary")
	if text != "" {
		w.open()
		w.text("type", "summary_text")
		w.text("text", text)
		w.close('}')
	}
	w.close(']')
}

func (e *promptWriter) call(part *inference.Part) {
	typ, prefix, member := "function_call", prefixCall, "arguments"
	if part.Call.Custom {
		typ, prefix, member = "custom_tool_call", prefixCustom, "input"
	}
	if part.Seal != nil {
		e.losses.Changed(part.Path, "with its signature", "without it", "The signature of another provider means nothing to the upstream.")
	}
	text := part.Text
	if text == "" && !part.Call.Custom {
		text = "{}"
	}
	e.open()
	e.text("type", typ)
	if strings.HasPrefix(part.ID, prefix) {
		e.text("id", part.ID)
	}
	e.text("call_id", fitCallID(part.Call.ID))
	e.text("name", part.Call.Name)
	e.text(member, text)
	e.more(part.Path)
	e.close('}')
}

// longestCallID is what upstreams take.
const longestCallID = 64

// fitCallID shortens an id that is too long, always to the same: a result must still find its call.
func fitCallID(id string) string {
	if len(id) <= longestCallID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "call_" + hex.EncodeToString(sum[:16])
}

func (e *promptWriter) result(part *inference.Part) {
	r := part.Result
	typ := "function_call_output"
	if r.Custom {
		typ = "custom_tool_call_output"
	}
	e.open()
	e.text("type", typ)
	e.text("call_id", fitCallID(r.ID))
	e.resultOutput(r)
	e.more(part.Path)
	e.close('}')
	if r.Error {
		e.parameter(joinPath(part.Path, "is_error"), "true", "The protocol of the upstream has no mark for failed tools.")
	}
}

func (e *promptWriter) resultOutput(r *inference.Result) {
	switch {
	case len(r.Parts) == 0:
		e.text("output", "")
	case len(r.Parts) == 1 && r.Parts[0].Kind == inference.PartText && r.Parts[0].Cache == nil:
		e.text("output", r.Parts[0].Text)
	default:
		e.array("output")
		for i := range r.Parts {
			e.content(&r.Parts[i], inference.RoleUser)
		}
		e.close(']')
	}
}

// made writes a picture that the model made.
func (e *promptWriter) made(part *inference.Part) {
	if part.Media.Data == "" || !strings.HasPrefix(part.ID, prefixImage) {
		e.lost(e.losses.Content(part.Path, "image", "The protocol of the upstream takes no pictures of the assistant's."))
		return
	}
	e.open()
	e.pictureMembers(part)
	e.text("id", part.ID)
	e.more(part.Path)
	e.close('}')
}

func (w *responsePen) pictureMembers(part *inference.Part) {
	w.text("type", "image_generation_call")
	w.text("status", "completed")
	w.text("result", part.Media.Data)
	w.given("output_format", strings.TrimPrefix(part.Media.Type, "image/"))
}
