package anthropic

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

func (e *encoder) messages() error {
	e.w.Key("messages").Open('[')
	for i := range e.turns {
		t := &e.turns[i]
		role := "user"
		if t.Role == inference.RoleAssistant {
			role = "assistant"
		}
		e.w.Open('{').Key("role").Str(role).Key("content")
		if err := e.content(t.Parts); err != nil {
			return err
		}
		e.w.Close('}')
	}
	e.w.Close(']')
	return nil
}

// content writes parts as a text, or as a list of blocks where they are more than that.
func (e *encoder) content(parts []inference.Part) error {
	if len(parts) == 1 && parts[0].Kind == inference.PartText && parts[0].Cache == nil && len(parts[0].Citations) == 0 {
		e.w.Str(parts[0].Text)
		return nil
	}
	e.w.Open('[')
	for i := range parts {
		if err := e.block(&parts[i]); err != nil {
			return err
		}
	}
	e.w.Close(']')
	return nil
}

func (e *encoder) cannot(p *inference.Part) error {
	return e.l.Content(p.Path, "", "Messages cannot carry this content here.")
}

func (e *encoder) block(p *inference.Part) error {
	switch p.Kind {
	case inference.PartText, inference.PartRefusal:
		e.text(p)
	case inference.PartReasoning:
		writeThought(&e.w, p)
	case inference.PartImage:
		e.media("image", p)
	case inference.PartDocument:
		e.media("document", p)
	case inference.PartCall:
		return e.call(p)
	case inference.PartResult:
		return e.result(p)
	case inference.PartOther:
		e.w.Bytes(p.Other.Value)
	case inference.PartAudio, inference.PartVideo: // see kept
	}
	return nil
}

func (e *encoder) text(p *inference.Part) {
	e.w.Open('{').Key("type").Str("text").Key("text").Str(p.Text)
	writeCitations(&e.w, p.Citations)
	e.cache(p.Cache, p.Path)
	e.w.Close('}')
}

func (e *encoder) call(p *inference.Part) error {
	if !plainID(p.Call.Name, maxToolName) {
		return e.l.Refuse(p.Path, "The names of tools are made of letters, digits, _ and -.")
	}
	input := inputOf(p)
	if input == wrapped(p.Text) && !p.Call.Custom {
		e.l.Changed(p.Path, p.Text, input, "The arguments are no JSON object.")
	}
	e.w.Open('{').Key("type").Str("tool_use").Key("id").Str(callID(p.Call.ID)).Key("name").Str(p.Call.Name).Key("input").Raw(input)
	e.cache(p.Cache, p.Path)
	e.w.Close('}')
	return nil
}

// inputOf is the arguments of a call as an object; as they are written, where they are one: the cache goes by the bytes.
func inputOf(p *inference.Part) string {
	text := strings.TrimSpace(p.Text)
	switch {
	case p.Call.Custom:
		return `{"input":` + quoted(p.Text) + `}`
	case text == "":
		return "{}"
	case text[0] == '{' && json.Valid([]byte(text)):
		return text
	}
	return wrapped(p.Text)
}

// wrapped is an object that holds arguments that are none.
func wrapped(text string) string { return `{"_raw":` + quoted(text) + `}` }

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text)
}

func (e *encoder) result(p *inference.Part) error {
	r := p.Result
	e.w.Open('{').Key("type").Str("tool_result").Key("tool_use_id").Str(callID(r.ID))
	if len(r.Parts) > 0 {
		e.w.Key("content")
		if err := e.content(r.Parts); err != nil {
			return err
		}
	}
	if r.Error {
		e.w.Key("is_error").Bool(true)
	}
	e.cache(p.Cache, p.Path)
	e.w.Close('}')
	return nil
}

// ownFile begins the names of files that upstreams of this dialect keep.
const ownFile = "file_"

// keepImage checks a picture, and says what it is where that was said wrongly or not at all.
func (e *encoder) keepImage(p *inference.Part) (bool, error) {
	m := *p.Media
	if found := sniff(m.Data); found != "" && found != m.Type {
		if m.Type != "" {
			e.l.Changed(p.Path, m.Type, found, "The picture is of another type than was said.")
		}
		m.Type = found
	}
	p.Media = &m
	switch {
	case m.Data != "" && pictures[m.Type], m.Data == "" && strings.HasPrefix(m.URL, "https://"), strings.HasPrefix(m.FileID, ownFile):
	case m.Data == "" && m.URL != "":
		return false, e.l.Content(p.Path, m.URL, "The upstream fetches pictures over https alone.")
	default:
		return false, e.l.Content(p.Path, m.Type, "The upstream takes JPEG, PNG, GIF and WebP.")
	}
	if m.Detail == "low" || m.Detail == "high" {
		return true, e.l.Parameter(p.Path+".detail", m.Detail, "The upstream decides how closely it looks.")
	}
	return true, nil
}

// keepDocument checks a document, and takes the text of one that is a text.
func (e *encoder) keepDocument(p *inference.Part) (bool, error) {
	m := *p.Media
	p.Media = &m
	if strings.HasPrefix(m.Type, "text/") && m.Data != "" && !m.Text {
		text, err := base64.StdEncoding.DecodeString(m.Data)
		if err != nil {
			return false, e.l.Refuse(p.Path, "The document is no base64.")
		}
		m.Data, m.Text = string(text), true
	}
	switch {
	case m.Text, m.Data != "" && m.Type == "application/pdf", m.Data == "" && strings.HasPrefix(m.URL, "https://"), strings.HasPrefix(m.FileID, ownFile):
		return true, nil
	}
	return false, e.l.Content(p.Path, m.Type, "The upstream takes documents that are PDF or plain text.")
}

var pictures = map[string]bool{"image/jpeg": true, "image/png": true, "image/gif": true, "image/webp": true}

// sniff tells the type of a picture by its first bytes; "" where they are of none that is taken.
func sniff(data string) string {
	head, err := base64.StdEncoding.DecodeString(data[:min(len(data), 16)/4*4])
	if err != nil {
		return ""
	}
	b := string(head)
	switch {
	case strings.HasPrefix(b, "\xFF\xD8\xFF"):
		return "image/jpeg"
	case strings.HasPrefix(b, "\x89PNG\r\n\x1A\n"):
		return "image/png"
	case strings.HasPrefix(b, "GIF8"):
		return "image/gif"
	case len(b) >= 12 && b[:4] == "RIFF" && b[8:12] == "WEBP":
		return "image/webp"
	}
	return ""
}

func (e *encoder) source(m *inference.Media) {
	e.w.Key("source").Open('{').Key("type")
	switch {
	case m.Text:
		e.w.Str("text").Key("media_type").Str("text/plain").Key("data").Str(m.Data)
	case m.Data != "":
		e.w.Str("base64").Key("media_type").Str(m.Type).Key("data").Str(m.Data)
	case m.URL != "":
		e.w.Str("url").Key("url").Str(m.URL)
	default:
		e.w.Str("file").Key("file_id").Str(m.FileID)
	}
	e.w.Close('}')
}

// media writes a picture or a document that was kept.
func (e *encoder) media(kind string, p *inference.Part) {
	m := p.Media
	e.w.Open('{').Key("type").Str(kind)
	e.source(m)
	if kind == "document" {
		e.w.Text("title", cmp.Or(m.Title, m.Name)).Text("context", m.Context)
		if m.Citations {
			e.w.Key("citations").Open('{').Key("enabled").Bool(true).Close('}')
		}
	}
	e.cache(p.Cache, p.Path)
	e.w.Close('}')
}
