package openai

import (
	"bytes"
	"mime/multipart"
	"net/textproto"
	"slices"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/sound"
)

// Form writes the request as a form, which is how upstreams want it: the recording as a file that is called by its kind,
// everything else of body, from which the facts were read, as texts. without names members to leave out.
func (f *TranscriptFacts) Form(body []byte, without ...string) (form []byte, contentType string) {
	b := bytes.NewBuffer(make([]byte, 0, len(body)))
	w := multipart.NewWriter(b)
	for it := jsonscan.Members(body); it.Next(); {
		name := string(it.Key)
		if name == "file" || slices.Contains(without, name) || string(it.Value) == "null" {
			continue
		}
		if formLists[name] && it.Value[0] == '[' {
			for item := jsonscan.Elements(it.Value); item.Next(); {
				_ = w.WriteField(name+"[]", fieldText(item.Value)) // writing to memory does not fail
			}
			continue
		}
		_ = w.WriteField(name, fieldText(it.Value))
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="audio` + sound.Extension(f.Type) + `"`}, "Content-Type": {f.Type},
	})
	if err == nil {
		_, _ = part.Write(f.Decode())
	}
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// fieldText is a value of JSON as a form has it.
func fieldText(value []byte) string {
	if s, err := jsonscan.String(value, jsonscan.Field{End: len(value)}); err == nil {
		return s
	}
	return string(value)
}
