package openai

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/sound"
)

// Limits of a form.
const (
	maxParts      = 64
	maxPartHeader = 4 << 10
	maxFieldBytes = MaxPromptBytes + 1
)

// formNumbers, formDecimals and formBools are the fields that are no texts in JSON.
var (
	formNumbers  = map[string]bool{"n": true, "seed": true, "output_compression": true, "partial_images": true}
	formDecimals = map[string]bool{"temperature": true}
	formBools    = map[string]bool{"stream": true}
	formLists    = map[string]bool{
		"include": true, "timestamp_granularities": true, "languages": true, "keywords": true, "known_speaker_names": true,
		"known_speaker_references": true,
	}
)

// EditForm turns a form with pictures into the JSON of the same request: pictures become data URLs under images and mask,
// and fields that are not known become texts. Files are known by their first bytes; what they are called is forgotten.
// The error is a *RequestError.
func EditForm(body []byte, boundary string) ([]byte, error) {
	return readForm(body, boundary, editForm{pictures: map[string]bool{"image": true, "images": true}})
}

// VideoForm is EditForm for a video, whose form brings at most one picture, as input_reference. The error is a *RequestError.
func VideoForm(body []byte, boundary string) ([]byte, error) {
	return readForm(body, boundary, editForm{pictures: map[string]bool{"input_reference": true}})
}

// SoundForm does the same for a form with a recording, which becomes a data URL under file.
func SoundForm(body []byte, boundary string) ([]byte, error) {
	return readForm(body, boundary, editForm{takesSound: true})
}

func readForm(body []byte, boundary string, out editForm) ([]byte, error) {
	out.seen = map[string]bool{}
	if boundary == "" {
		return nil, malformed("The form has no boundary.")
	}
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) && n > 0 {
			return out.json(len(body)), nil
		}
		if err != nil || n == maxParts {
			return nil, malformed("The form cannot be read, or has too many parts.")
		}
		if err := out.add(part); err != nil {
			return nil, err
		}
	}
}

func malformed(message string) error { return &RequestError{Message: message, Code: CodeMalformed} }

// editForm collects what a form says.
type editForm struct {
	fields    []byte // members of JSON, each with a comma behind it
	images    [][]byte
	mask      []byte
	recording []byte
	lists     []formList // in their order
	seen      map[string]bool
	// pictures are the fields that bring one.
	pictures   map[string]bool
	takesSound bool // instead of pictures
}

// formList are the fields of one name that may come several times.
type formList struct {
	name  string
	items []byte // texts of JSON, each with a comma behind it
	n     int
}

func (f *editForm) add(part *multipart.Part) error {
	size := 0
	for name, values := range part.Header {
		size += len(name) + len(strings.Join(values, ""))
	}
	name := part.FormName()
	if size > maxPartHeader || name == "" || len(name) > maxWord || !utf8.ValidString(name) {
		return malformed("A part of the form has no name, or too long a header.")
	}
	content, err := io.ReadAll(part)
	if err != nil {
		return malformed("A part of the form ends early.")
	}
	name = strings.TrimSuffix(name, "[]")
	switch {
	case f.takesSound && formLists[name]:
		return f.addItem(name, content)
	case f.pictures[name]:
		return f.addImage(content)
	}
	if f.seen[strings.ToLower(name)] {
		return &RequestError{Message: "Parameter '" + printable(name) + "' is given more than once.", Param: printable(name), Code: CodeDuplicate}
	}
	f.seen[strings.ToLower(name)] = true
	switch {
	case f.takesSound && name == "file":
		f.recording = content
		return checkSound(content)
	case !f.takesSound && name == "mask":
		f.mask = content
		return checkFile(content, "mask")
	}
	if _, isFile := part.Header["Content-Type"]; isFile && part.FileName() != "" {
		return invalidValue(printable(name), "This parameter is not a file.")
	}
	return f.addField(name, content)
}

// printable keeps a caller's name of a field from making a message unreadable.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

func (f *editForm) addImage(content []byte) error {
	path := "image[" + strconv.Itoa(len(f.images)) + "]"
	if f.pictures["input_reference"] && len(f.images) == 1 {
		return invalidValue("input_reference", "Only one picture is taken.")
	}
	if len(f.images) == MaxInputImages {
		return invalidValue("image", "Too many images: at most "+strconv.Itoa(MaxInputImages)+" are taken.")
	}
	f.images = append(f.images, content)
	return checkFile(content, path)
}

// addItem adds one of the values of a list.
func (f *editForm) addItem(name string, content []byte) error {
	at := slices.IndexFunc(f.lists, func(l formList) bool { return l.name == name })
	if at < 0 {
		f.lists, at = append(f.lists, formList{name: name}), len(f.lists)
	}
	l := &f.lists[at]
	if l.n++; l.n > maxParts || len(content) > maxFieldBytes || !utf8.Valid(content) {
		return invalidValue(name, "Invalid '"+name+"': too many, too long, or not valid text.")
	}
	l.items = append(jsondoc.AppendString(l.items, string(content)), ',')
	return nil
}

func checkFile(content []byte, path string) error {
	if imageType(content) == "" {
		return fileType(path)
	}
	return nil
}

func (f *editForm) addField(name string, content []byte) error {
	if len(content) > maxFieldBytes || !utf8.Valid(content) {
		return invalidValue(printable(name), "Invalid '"+printable(name)+"': too long, or not valid text.")
	}
	value := string(content)
	f.fields = append(jsondoc.AppendString(f.fields, name), ':')
	switch {
	case formNumbers[name]:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return invalidType(name, "an integer")
		}
		f.fields = strconv.AppendInt(f.fields, n, 10)
	case formDecimals[name]:
		if !isDecimal(value) {
			return invalidType(name, "a number")
		}
		f.fields = append(f.fields, value...)
	case formBools[name]:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return invalidType(name, "a boolean")
		}
		f.fields = strconv.AppendBool(f.fields, on)
	default:
		f.fields = jsondoc.AppendString(f.fields, value)
	}
	f.fields = append(f.fields, ',')
	return nil
}

// json writes the request down; size is how long it may become, at a guess.
func (f *editForm) json(size int) []byte {
	b := append(make([]byte, 0, size+size/3+256), '{')
	b = append(b, f.fields...)
	if f.takesSound {
		return f.soundJSON(b)
	}
	if f.mask != nil {
		b = append(appendPicture(append(b, `"mask":`...), f.mask), ',')
	}
	if f.pictures["input_reference"] {
		return f.withReference(b)
	}
	b = append(b, `"images":[`...)
	for i, image := range f.images {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPicture(b, image)
	}
	return append(b, "]}"...)
}

// soundJSON ends a request with its lists and its recording.
func (f *editForm) soundJSON(b []byte) []byte {
	for _, l := range f.lists {
		b = append(jsondoc.AppendString(b, l.name), ":["...)
		b = append(append(b, l.items[:len(l.items)-1]...), "],"...)
	}
	if f.recording == nil {
		return append(bytes.TrimSuffix(b, []byte{','}), '}')
	}
	b = append(append(append(b, `"file":"data:`...), sound.Type(f.recording)...), ";base64,"...)
	return append(base64.StdEncoding.AppendEncode(b, f.recording), `"}`...)
}

// isDecimal reports whether a text is a number as JSON writes it, without an exponent.
func isDecimal(text string) bool {
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	digits := func(s string) bool { return s != "" && len(s) <= 18 && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (len(whole) == 1 || whole[0] != '0') && (!dotted || digits(fraction))
}

// withReference ends a request for a video.
func (f *editForm) withReference(b []byte) []byte {
	if len(f.images) > 0 {
		return append(appendPicture(append(b, `"input_reference":`...), f.images[0]), '}')
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

func appendPicture(b, picture []byte) []byte {
	b = append(append(append(b, `{"image_url":"data:`...), imageType(picture)...), ";base64,"...)
	return append(base64.StdEncoding.AppendEncode(b, picture), `"}`...)
}
