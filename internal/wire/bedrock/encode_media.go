package bedrock

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// formats are Converse's names of media types.
var formats = map[string]string{
	"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp",
	"application/pdf": "pdf", "text/csv": "csv", "application/msword": "doc", "application/vnd.ms-excel": "xls", "text/html": "html",
	"text/plain": "txt", "text/markdown": "md",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       "xlsx",
	"video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm", "video/x-matroska": "mkv", "video/mpeg": "mpeg", "video/x-flv": "flv",
	"video/x-ms-wmv": "wmv", "video/3gpp": "three_gp",
}

// otherwise are the formats of media that do not say what they are.
var otherwise = map[inference.PartKind]string{inference.PartImage: "png", inference.PartDocument: "pdf", inference.PartVideo: "mp4"}

var blocks = map[inference.PartKind]string{
	inference.PartImage: "image", inference.PartDocument: "document", inference.PartVideo: "video",
}

// media writes a picture, a document or a film. Bedrock fetches nothing but what lies in S3.
func (e *encoder) media(p *inference.Part) error {
	m := p.Media
	format, known := formats[m.Type]
	switch {
	case m.Type == "" && m.Text:
		format = "txt"
	case m.Type == "":
		format = otherwise[p.Kind]
	case !known:
		return e.l.Content(p.Path, m.Type, "Bedrock does not take media of this type.")
	}
	if m.Data == "" && !strings.HasPrefix(m.URL, "s3://") {
		return e.l.Content(p.Path, "", "Bedrock fetches no addresses: send the data itself.")
	}
	e.w.Open('{').Key(blocks[p.Kind]).Open('{').Key("format").Str(format)
	if p.Kind == inference.PartDocument {
		e.w.Key("name").Str(documentName(m.Name))
	}
	e.w.Key("source").Open('{')
	switch {
	case m.Data == "":
		e.w.Key("s3Location").Open('{').Key("uri").Str(m.URL).Close('}')
	case m.Text:
		e.w.Key("bytes").Str(base64.StdEncoding.EncodeToString([]byte(m.Data)))
	default:
		e.w.Key("bytes").Str(m.Data)
	}
	e.w.Close('}')
	if p.Kind == inference.PartDocument {
		e.w.Text("context", m.Context)
		if m.Citations {
			e.w.Key("citations").Raw(`{"enabled":true}`)
		}
	}
	e.w.Close('}').Close('}')
	return nil
}

// documentName is a name of what Bedrock allows in one: letters, digits, hyphens, brackets and single spaces.
func documentName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-()[]", r) {
			return r
		}
		return ' '
	}, name)
	if clean = strings.Join(strings.Fields(clean), " "); clean != "" {
		return clean
	}
	return "document"
}

// input is the arguments of a call, which must be an object here.
func (e *encoder) input(p *inference.Part) string {
	text := strings.TrimSpace(p.Text)
	if text == "" {
		return "{}"
	}
	if strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		return text
	}
	w := jsondoc.Writer{}
	w.Open('{').Key("_raw").Str(p.Text).Close('}')
	e.l.Changed(p.Path, p.Text, string(w.B), "Arguments are an object on Bedrock.")
	return string(w.B)
}
