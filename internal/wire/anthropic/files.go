package anthropic

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

var (
	blockKeys  = jsonscan.NewKeys("type", "content", "source", "file_id")
	sourceKeys = jsonscan.NewKeys("type", "file_id")
)

const (
	blockType = iota
	blockContent
	blockSource
	blockFileID
	numBlockKeys
)

// fileFinder collects the files that a request names.
type fileFinder struct {
	body []byte
	refs []wire.FileRef
}

// Files lists the files of messages: pictures and documents whose source is a file, in messages and in what tools brought.
func (messagesFormat) Files(body []byte, a *wire.Ask) ([]wire.FileRef, error) {
	f := fileFinder{body: body}
	err := f.list(factsOf(a).spans[keyMessages].In(body), "messages", (*fileFinder).message)
	return f.refs, err
}

// list goes over the objects of a list; what is no list, and what of it is no object, names no files.
func (f *fileFinder) list(text []byte, path string, each func(f *fileFinder, object []byte, out *[numBlockKeys]jsonscan.Field, path string) error) error {
	n := 0
	for it := jsonscan.AnyElements(text); it.Next(); n++ {
		if it.Value[0] != '{' {
			continue
		}
		at := path + "." + strconv.Itoa(n)
		var out [numBlockKeys]jsonscan.Field
		if _, _, err := blockKeys.Scan(it.Value, out[:]); err != nil {
			return within(at, scanFault(err))
		}
		if err := each(f, it.Value, &out, at); err != nil {
			return err
		}
	}
	return nil
}

func (f *fileFinder) message(object []byte, out *[numBlockKeys]jsonscan.Field, path string) error {
	return f.list(out[blockContent].In(object), path+".content", (*fileFinder).block)
}

func (f *fileFinder) block(object []byte, out *[numBlockKeys]jsonscan.Field, path string) error {
	kind, _ := jsonscan.String(object, out[blockType])
	switch kind {
	case "image":
		return f.source(out[blockSource].In(object), path+".source", true)
	case "document":
		return f.source(out[blockSource].In(object), path+".source", false)
	case "tool_result":
		return f.list(out[blockContent].In(object), path+".content", (*fileFinder).block)
	case "container_upload":
		return invalid(path+".file_id", "Files cannot be put into containers here")
	}
	return nil
}

// source takes note of a file that a source names.
func (f *fileFinder) source(source []byte, path string, image bool) error {
	if len(source) == 0 || source[0] != '{' {
		return nil
	}
	var out [2]jsonscan.Field
	if _, _, err := sourceKeys.Scan(source, out[:]); err != nil {
		return within(path, scanFault(err))
	}
	if kind, _ := jsonscan.String(source, out[0]); kind != "file" {
		return nil
	}
	path += ".file_id"
	if !out[1].Found() {
		return required(path)
	}
	name, err := jsonscan.String(source, out[1])
	if err != nil {
		return invalid(path, "Input should be a valid string")
	}
	file, _ := openai.ParseFile(name)
	from := offset(f.body, source)
	f.refs = append(f.refs, wire.FileRef{File: file, Path: path, Place: jsonscan.Field{Start: from, End: from + len(source)}, Image: image})
	return nil
}

// Inline writes a source that named a file with the file itself: as base64, or a text as text.
func (messagesFormat) Inline(_ []byte, ref *wire.FileRef, f *wire.FileContent) ([]byte, int64, error) {
	switch {
	case ref.Image && !pictures[f.MediaType]:
		return nil, 0, invalid(ref.Path, "The file is no JPEG, PNG, GIF or WebP")
	case ref.Image, f.MediaType == "application/pdf":
		out := make([]byte, 0, base64.StdEncoding.EncodedLen(len(f.Data))+128)
		out = append(append(out, `{"type":"base64","media_type":"`...), f.MediaType...)
		out = base64.StdEncoding.AppendEncode(append(out, `","data":"`...), f.Data)
		return append(out, `"}`...), 0, nil // pictures and documents are counted as such
	case isText(f.MediaType) && utf8.Valid(f.Data):
		out := append(make([]byte, 0, len(f.Data)+len(f.Data)/8+128), `{"type":"text","media_type":"text/plain","data":`...)
		out = append(jsondoc.AppendString(out, string(f.Data)), '}')
		return out, int64(len(out)), nil
	}
	return nil, 0, fault.ErrInvalid.Saying("The file is neither a PDF nor a text").At(ref.Path)
}

// isText reports whether a file can stand in a request as what is written in it.
func isText(media string) bool {
	return strings.HasPrefix(media, "text/") || media == "application/json" || media == "application/jsonl"
}

var _ wire.FileBearer = messagesFormat{}
