package openai

import (
	"bytes"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// IsFormable reports whether all pictures of the request came along, so that it can be written as a form.
func (f *MediaFacts) IsFormable() bool {
	for i := range f.Inputs {
		if f.Inputs[i].Data == nil {
			return false
		}
	}
	return f.Mask.IsZero() || f.Mask.Data != nil
}

// Form writes an edit as a form, which is how most upstreams want it: pictures as files, everything else of body, from which
// the facts were read, as texts. without names members to leave out.
func (f *MediaFacts) Form(body []byte, without ...string) (form []byte, contentType string) {
	b := bytes.NewBuffer(make([]byte, 0, len(body)))
	w := multipart.NewWriter(b)
	for it := jsonscan.Members(body); it.Next(); {
		name := string(it.Key)
		if isPicture(name) || slices.Contains(without, name) || string(it.Value) == "null" {
			continue
		}
		text, err := jsonscan.String(it.Value, jsonscan.Field{End: len(it.Value)})
		if err != nil {
			text = string(it.Value)
		}
		_ = w.WriteField(name, text) // writing to memory does not fail
	}
	field := "image"
	if len(f.Inputs) > 1 {
		field = "image[]"
	}
	for i := range f.Inputs {
		writePicture(w, field, "image"+strconv.Itoa(i), &f.Inputs[i])
	}
	if !f.Mask.IsZero() {
		writePicture(w, "mask", "mask", &f.Mask)
	}
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

func isPicture(name string) bool {
	for _, key := range [...]int{keyImages, keyImage, keyImageURL, keyInputReference, keyMask} {
		if mediaNames[key] == name {
			return true
		}
	}
	return false
}

func writePicture(w *multipart.Writer, field, name string, in *MediaInput) {
	content := in.Decode()
	kind := imageType(content)
	extension := map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}[kind]
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="` + field + `"; filename="` + name + extension + `"`}, "Content-Type": {kind},
	})
	if err == nil {
		_, _ = part.Write(content)
	}
}

// Without returns body, from which the facts were read, without some members.
func (f *MediaFacts) Without(body []byte, names ...string) []byte {
	var out []byte
	for it := jsonscan.Members(body); it.Next(); {
		if slices.Contains(names, string(it.Key)) {
			continue
		}
		if out == nil {
			out = append(make([]byte, 0, len(body)), '{')
		} else {
			out = append(out, ',')
		}
		out = append(append(jsondoc.AppendString(out, string(it.Key)), ':'), it.Value...)
	}
	if out == nil {
		return []byte("{}")
	}
	return append(out, '}')
}

// EditJSON writes an edit whose pictures are addresses or files of the upstream's in the shape that OpenAI has for that.
// without names members to leave out.
func (f *MediaFacts) EditJSON(body []byte, without ...string) []byte {
	out := f.Without(body, append(without, mediaNames[keyImages], mediaNames[keyImage], mediaNames[keyImageURL],
		mediaNames[keyInputReference], mediaNames[keyMask])...)
	out = append(out[:len(out)-1], `,"images":[`...)
	for i := range f.Inputs {
		if i > 0 {
			out = append(out, ',')
		}
		out = f.Inputs[i].AppendJSON(out)
	}
	out = append(out, ']')
	if !f.Mask.IsZero() {
		out = f.Mask.AppendJSON(append(out, `,"mask":`...))
	}
	return append(out, '}')
}

// AppendJSON appends the picture as an object with image_url or file_id.
func (in *MediaInput) AppendJSON(b []byte) []byte {
	switch {
	case in.FileID != "":
		return append(jsondoc.AppendString(append(b, `{"file_id":`...), in.FileID), '}')
	case in.Data != nil:
		b = append(append(append(b, `{"image_url":"data:`...), in.Type...), ";base64,"...)
		return append(append(b, in.Data...), `"}`...)
	}
	return append(jsondoc.AppendString(append(b, `{"image_url":`...), in.URL), '}')
}
