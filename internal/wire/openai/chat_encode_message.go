package openai

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

func (e *chatEncoder) messages() error {
	e.w.Key("messages").Open('[')
	if len(e.p.System) > 0 {
		if err := e.system(e.p.System, ""); err != nil {
			return err
		}
	}
	turns, err := wire.Pair(e.p.Turns, e.l)
	if err != nil {
		return err
	}
	for i := range turns {
		if err := e.turn(&turns[i]); err != nil {
			return err
		}
	}
	e.w.Close(']')
	return nil
}

func (e *chatEncoder) turn(t *inference.Turn) error {
	switch t.Role {
	case inference.RoleSystem:
		return e.system(t.Parts, t.Name)
	case inference.RoleAssistant:
		return e.assistant(t)
	case inference.RoleUser:
	}
	return e.user(t)
}

// system writes instructions as one text, which is what all servers of the protocol take.
func (e *chatEncoder) system(parts []inference.Part, name string) error {
	var texts []string
	for i := range parts {
		if parts[i].Kind != inference.PartText {
			if err := e.cannot(&parts[i]); err != nil {
				return err
			}
			continue
		}
		texts = append(texts, parts[i].Text)
	}
	e.w.Open('{').Key("role").Str("system").Key("content").Str(strings.Join(texts, "\n\n")).Text("name", name).Close('}')
	return nil
}

func (e *chatEncoder) cannot(p *inference.Part) error {
	return e.l.Content(p.Path, "", "Chat completions cannot carry this content here.")
}

// user writes the results of tools, each a message of its own, and then what the user says. Pictures that a tool returned
// become the user's: results are texts in this protocol.
func (e *chatEncoder) user(t *inference.Turn) error {
	var said []inference.Part
	for i := range t.Parts {
		p := &t.Parts[i]
		if p.Kind != inference.PartResult {
			said = append(said, *p)
			continue
		}
		media, err := e.result(p)
		if err != nil {
			return err
		}
		said = append(said, media...)
	}
	if len(said) == 0 && len(t.Parts) > 0 {
		return nil
	}
	e.w.Open('{').Key("role").Str("user").Key("content")
	if err := e.content(said); err != nil {
		return err
	}
	e.w.Text("name", t.Name).Close('}')
	return nil
}

// result writes what a tool returned, and returns the parts of it that are no text.
func (e *chatEncoder) result(p *inference.Part) ([]inference.Part, error) {
	r := p.Result
	var media []inference.Part
	var texts []string
	for i := range r.Parts {
		if r.Parts[i].Kind == inference.PartText {
			texts = append(texts, r.Parts[i].Text)
			continue
		}
		media = append(media, r.Parts[i])
	}
	if len(media) > 0 {
		e.l.Changed(p.Path, "in a tool's result", "in a user's message", "Results of tools are texts in chat completions.")
	}
	if r.Error {
		if err := e.l.Parameter(p.Path+".is_error", "true", "Chat completions do not mark failed tools."); err != nil {
			return nil, err
		}
	}
	e.w.Open('{').Key("role").Str("tool").Key("tool_call_id").Str(r.ID).Key("content").Str(strings.Join(texts, "\n\n")).Close('}')
	return media, nil
}

// content writes parts as a text, or as a list where they are more than that.
func (e *chatEncoder) content(parts []inference.Part) error {
	if len(parts) == 0 {
		e.w.Str("")
		return nil
	}
	if len(parts) == 1 && parts[0].Kind == inference.PartText {
		e.w.Str(parts[0].Text)
		return nil
	}
	e.w.Open('[')
	for i := range parts {
		if err := e.part(&parts[i]); err != nil {
			return err
		}
	}
	e.w.Close(']')
	return nil
}

func (e *chatEncoder) part(p *inference.Part) error {
	switch p.Kind {
	case inference.PartText:
		e.w.Open('{').Key("type").Str("text").Key("text").Str(p.Text).Close('}')
	case inference.PartImage, inference.PartVideo:
		return e.address(p)
	case inference.PartAudio:
		return e.audio(p)
	case inference.PartDocument:
		return e.document(p)
	case inference.PartOther:
		if !isOfChat(p.Other) {
			return e.cannot(p)
		}
		e.w.Bytes(p.Other.Value)
	case inference.PartRefusal, inference.PartReasoning, inference.PartCall, inference.PartResult:
		return e.cannot(p)
	}
	return nil
}

func (e *chatEncoder) address(p *inference.Part) error {
	kind, otherwise := "image_url", "image/png"
	if p.Kind == inference.PartVideo {
		kind, otherwise = "video_url", "video/mp4"
	}
	url := p.Media.Address(otherwise)
	if url == "" {
		return e.cannot(p) // a file that another provider keeps
	}
	e.w.Open('{').Key("type").Str(kind).Key(kind).Open('{').Key("url").Str(url).Text("detail", p.Media.Detail).Close('}').Close('}')
	return nil
}

func (e *chatEncoder) audio(p *inference.Part) error {
	format := p.Media.Format
	if format == "" {
		_, format, _ = strings.Cut(p.Media.Type, "/")
	}
	if p.Media.Data == "" {
		return e.cannot(p)
	}
	e.w.Open('{').Key("type").Str("input_audio").Key("input_audio").Open('{').
		Key("data").Str(p.Media.Data).Key("format").Str(format).Close('}').Close('}')
	return nil
}

// document writes a file, or the text of one.
func (e *chatEncoder) document(p *inference.Part) error {
	m := p.Media
	switch {
	case m.Text:
		e.w.Open('{').Key("type").Str("text").Key("text").Str(m.Data).Close('}')
	case m.Data != "":
		name := m.Name
		if name == "" {
			name = "document.pdf"
		}
		e.w.Open('{').Key("type").Str("file").Key("file").Open('{').Key("filename").Str(name).
			Key("file_data").Str(m.Address("application/pdf")).Close('}').Close('}')
	case m.FileID != "":
		e.w.Open('{').Key("type").Str("file").Key("file").Open('{').Key("file_id").Str(m.FileID).Close('}').Close('}')
	default:
		return e.cannot(p)
	}
	return nil
}

// assistant writes an earlier answer of the model's.
func (e *chatEncoder) assistant(t *inference.Turn) error {
	var s saidByModel
	for i := range t.Parts {
		if err := s.add(e, &t.Parts[i]); err != nil {
			return err
		}
	}
	e.w.Open('{').Key("role").Str("assistant").Key("content")
	if len(s.texts) == 0 && (len(s.calls) > 0 || s.refusal != "") {
		e.w.Null()
	} else {
		e.w.Str(strings.Join(s.texts, ""))
	}
	e.w.Text("refusal", s.refusal).Text("name", t.Name)
	e.returned(&s, t.Path)
	if s.audioID != "" {
		e.w.Key("audio").Open('{').Key("id").Str(s.audioID).Close('}')
	}
	if len(s.calls) > 0 {
		e.w.Key("tool_calls").Open('[')
		for _, p := range s.calls {
			writeCall(&e.w, p, -1, p.Text)
		}
		e.w.Close(']')
	}
	e.w.Close('}')
	return nil
}

// returned writes the reasoning of an earlier turn for upstreams that want it back.
func (e *chatEncoder) returned(s *saidByModel, path string) {
	switch {
	case len(s.reasoning) == 0:
	case e.o.ReturnReasoning:
		e.w.Text("reasoning_content", strings.Join(s.reasoning, "\n\n"))
	default:
		e.l.Changed(path, "with its reasoning", "without it", "The upstream does not take the reasoning of earlier turns.")
	}
}

// saidByModel is what an assistant's turn consists of.
type saidByModel struct {
	texts, reasoning []string
	refusal, audioID string
	calls            []*inference.Part
}

// sealed is a call with its seal where that means something: servers that are strict refuse what they do not know.
func (e *chatEncoder) sealed(p *inference.Part) *inference.Part {
	if p.Seal == nil || p.Seal.Dialect == inference.Gemini && strings.Contains(strings.ToLower(e.p.Model), "gemini") {
		return p
	}
	e.l.Changed(p.Path, "with its signature", "without it", "The signature of another provider means nothing to the upstream.")
	bare := *p
	bare.Seal = nil
	return &bare
}

func (s *saidByModel) add(e *chatEncoder, p *inference.Part) error {
	switch p.Kind {
	case inference.PartText:
		s.texts = append(s.texts, p.Text)
	case inference.PartRefusal:
		s.refusal += p.Text
	case inference.PartReasoning:
		s.reasoning = append(s.reasoning, p.Text)
	case inference.PartCall:
		s.calls = append(s.calls, e.sealed(p))
	case inference.PartAudio:
		if p.ID == "" {
			return e.cannot(p)
		}
		s.audioID = p.ID
	default:
		return e.cannot(p)
	}
	return nil
}
