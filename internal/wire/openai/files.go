package openai

import (
	"encoding/base64"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// PrefixMessageFile begins the names that Anthropic's clients know files by.
const PrefixMessageFile = "file_"

// ParseFile reads the name of a file, as clients of either protocol know it.
func ParseFile(name string) (id.ID, bool) {
	if file, ok := ParseName(PrefixFile, name); ok {
		return file, true
	}
	return ParseName(PrefixMessageFile, name)
}

// maxDocument is how many tokens a document takes at most besides its text, as a hold allows for it.
const maxDocument = 500_000

var (
	holderKeys  = jsonscan.NewKeys("type", "content", "output", "file", "file_id")
	holderNames = [...]string{"type", "content", "output", "file", "file_id"}
)

const (
	holdsType = iota
	holdsContent
	holdsOutput
	holdsFile
	holdsFileID
	numHolds
)

// fileFinder collects the files that a request names.
type fileFinder struct {
	body []byte
	refs []wire.FileRef
}

// Files lists the files of messages: parts of the type file whose file has a file_id.
func (chatFormat) Files(body []byte, a *wire.Ask) ([]wire.FileRef, error) {
	f := fileFinder{body: body}
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	err := f.list(facts.spans[keyMessages].In(body), "messages", f.message)
	return f.refs, err
}

// Files lists the files of the input: parts of the types input_file and input_image with a file_id, in messages and in what
// tools brought.
func (responseFormat) Files(body []byte, a *wire.Ask) ([]wire.FileRef, error) {
	f := fileFinder{body: body}
	err := f.list(responseFacts(a).spans[keyInput].In(body), "input", f.item)
	return f.refs, err
}

// list goes over the objects of a list; what is no list, and what of it is no object, names no files.
func (f *fileFinder) list(text []byte, path string, each func(object []byte, out *[numHolds]jsonscan.Field, path string) error) error {
	n := 0
	for it := jsonscan.AnyElements(text); it.Next(); n++ {
		if !isObject(it.Value) {
			continue
		}
		at := indexPath(path, n)
		var out [numHolds]jsonscan.Field
		if _, _, err := holderKeys.Scan(it.Value, out[:]); err != nil {
			return within(at, err)
		}
		if err := each(it.Value, &out, at); err != nil {
			return err
		}
	}
	return nil
}

// within words what the scanner says of something in the request.
func within(path string, err error) error {
	why := fault.From(requestFault(scanError(err)))
	if why.Path != "" {
		path += "." + why.Path
	}
	return why.At(path)
}

func (f *fileFinder) message(object []byte, out *[numHolds]jsonscan.Field, path string) error {
	return f.list(out[holdsContent].In(object), path+".content", f.chatPart)
}

func (f *fileFinder) chatPart(object []byte, out *[numHolds]jsonscan.Field, path string) error {
	file := out[holdsFile].In(object)
	if kind, _ := jsonscan.String(object, out[holdsType]); kind != "file" || !isObject(file) {
		return nil
	}
	var own [numHolds]jsonscan.Field
	if _, _, err := holderKeys.Scan(file, own[:]); err != nil {
		return within(path+".file", err)
	}
	return f.add(file, own[holdsFileID], path+".file", false)
}

func (f *fileFinder) item(object []byte, out *[numHolds]jsonscan.Field, path string) error {
	for i := holdsContent; i <= holdsOutput; i++ {
		if err := f.list(out[i].In(object), path+"."+holderNames[i], f.inputPart); err != nil {
			return err
		}
	}
	return nil
}

func (f *fileFinder) inputPart(object []byte, out *[numHolds]jsonscan.Field, path string) error {
	kind, _ := jsonscan.String(object, out[holdsType])
	switch kind {
	case "input_file":
		return f.add(object, out[holdsFileID], path, false)
	case "input_image":
		return f.add(object, out[holdsFileID], path, true)
	}
	return nil
}

// add takes note of a file that holder names.
func (f *fileFinder) add(holder []byte, span jsonscan.Field, path string, image bool) error {
	if !span.Found() || jsonscan.IsNull(holder, span) {
		return nil
	}
	path += ".file_id"
	name, err := jsonscan.String(holder, span)
	if err != nil {
		return requestFault(invalidType(path, "a string"))
	}
	file, _ := ParseFile(name)
	from := cap(f.body) - cap(holder) // both end where their memory ends
	f.refs = append(f.refs, wire.FileRef{File: file, Path: path, Place: jsonscan.Field{Start: from, End: from + len(holder)}, Image: image})
	return nil
}

// Inline writes the object that named a file with the file as file_data.
func (chatFormat) Inline(body []byte, ref *wire.FileRef, f *wire.FileContent) ([]byte, int64, error) {
	return inlineFile(body, ref, f)
}

// Inline writes the part that named a file with the file as file_data or image_url.
func (responseFormat) Inline(body []byte, ref *wire.FileRef, f *wire.FileContent) ([]byte, int64, error) {
	return inlineFile(body, ref, f)
}

// inlineFile writes an object that names a file with the file itself. What it says of the file besides its name goes.
func inlineFile(body []byte, ref *wire.FileRef, f *wire.FileContent) ([]byte, int64, error) {
	if ref.Image && !strings.HasPrefix(f.MediaType, "image/") {
		return nil, 0, fault.ErrInvalid.Saying("The file is no picture.").At(ref.Path)
	}
	holder := ref.Place.In(body)
	out := append(make([]byte, 0, len(holder)+base64.StdEncoding.EncodedLen(len(f.Data))+512), '{')
	out, err := copyOthers(out, holder, ref)
	if err != nil {
		return nil, 0, err
	}
	key := `"image_url":"data:`
	if !ref.Image {
		out = append(jsondoc.AppendString(append(out, `"filename":`...), f.Name), ',')
		key = `"file_data":"data:`
	}
	out = append(append(append(out, key...), f.MediaType...), ";base64,"...)
	out = append(base64.StdEncoding.AppendEncode(out, f.Data), `"}`...)
	return out, inlinedTokens(f, len(out), ref.Image), nil
}

// inlinedTokens is how many tokens a file can be: a picture what one takes, which is counted, a text its bytes.
func inlinedTokens(f *wire.FileContent, written int, image bool) int64 {
	switch {
	case image:
		return 0
	case strings.HasPrefix(f.MediaType, "text/"):
		return int64(len(f.Data))
	}
	return int64(min(written, maxDocument))
}

// copyOthers copies the members of an object that are not about the file it names, each with a comma behind it.
func copyOthers(out, holder []byte, ref *wire.FileRef) ([]byte, error) {
	for it := jsonscan.Members(holder); it.Next(); {
		switch key := plainKey(it.Key); key {
		case "file_id", "filename":
			continue
		case "file_data", "file_url", "image_url":
			if string(it.Value) != "null" {
				return nil, fault.ErrInvalid.Saying("A file is given by one of file_id and " + key + ".").At(ref.Path)
			}
			continue
		}
		out = append(append(append(append(out, '"'), it.Key...), `":`...), it.Value...)
		out = append(out, ',')
	}
	return out, nil
}

// plainKey is a key with its escapes resolved.
func plainKey(raw []byte) string {
	quoted := append(append([]byte{'"'}, raw...), '"')
	key, _ := jsonscan.String(quoted, jsonscan.Field{End: len(quoted)})
	return key
}

var (
	_ wire.FileBearer = chatFormat{}
	_ wire.FileBearer = responseFormat{}
)
