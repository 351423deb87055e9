package openai

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// MediaInput is a picture that came with a request: an address, an upstream's file, or the picture itself.
type MediaInput struct {
	URL    string
	FileID string
	// Type is the media type of Data, such as image/png; Data is base64 as it stands in the request.
	Type string
	Data []byte
}

// IsZero reports whether there is no picture.
func (in *MediaInput) IsZero() bool { return in.URL == "" && in.FileID == "" && in.Data == nil }

// Decode returns the picture itself; nil where there is only an address.
func (in *MediaInput) Decode() []byte {
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(in.Data)))
	n, err := base64.StdEncoding.Decode(raw, in.Data)
	if err != nil || n == 0 {
		return nil
	}
	return raw[:n]
}

// readInputs reads the pictures under all names that callers use for them.
func (f *MediaFacts) readInputs(body []byte) error {
	for _, key := range [...]int{keyImages, keyImage, keyImageURL, keyInputReference} {
		span, ok := f.of(body, key)
		if !ok {
			continue
		}
		list, err := readInputs(span.In(body), mediaNames[key])
		if err != nil {
			return err
		}
		f.Inputs = append(f.Inputs, list...)
	}
	if len(f.Inputs) > MaxInputImages {
		return invalidValue("images", "Too many images: at most "+strconv.Itoa(MaxInputImages)+" are taken.")
	}
	span, ok := f.of(body, keyMask)
	if !ok {
		return nil
	}
	var err error
	f.Mask, err = readInput(span.In(body), "mask")
	return err
}

// readInputs reads a picture or an array of them.
func readInputs(value []byte, path string) (out []MediaInput, err error) {
	if value[0] != '[' {
		one, err := readInput(value, path)
		return []MediaInput{one}, err
	}
	for it := jsonscan.Elements(value); it.Next(); {
		if len(out) > MaxInputImages {
			break // more than are taken: the caller refuses them
		}
		one, err := readInput(it.Value, path+"["+strconv.Itoa(len(out))+"]")
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

var inputKeys = jsonscan.NewKeys("image_url", "file_id", "url")

// readInput reads one picture: its address as a text, or in an object as image_url, url or file_id.
func readInput(value []byte, path string) (in MediaInput, err error) {
	if value[0] != '{' {
		return readAddress(value, path)
	}
	var out [3]jsonscan.Field
	if _, _, err := inputKeys.Scan(value, out[:]); err != nil {
		return in, scanError(err)
	}
	for i, name := range [...]string{"image_url", "file_id", "url"} {
		inner := out[i].In(value)
		switch {
		case len(inner) == 0 || string(inner) == "null":
			continue
		case name == "file_id":
			in.FileID, err = jsonscan.String(inner, jsonscan.Field{End: len(inner)})
			if err != nil || in.FileID == "" {
				return in, invalidType(path+".file_id", "a string")
			}
			return in, nil
		case inner[0] == '{' && name == "image_url": // as in chat messages
			return readInput(inner, path+".image_url")
		}
		return readAddress(inner, path+"."+name)
	}
	return in, missing(path, "Missing image: give its address as 'image_url'.")
}

func readAddress(value []byte, path string) (in MediaInput, err error) {
	if value[0] != '"' {
		return in, invalidType(path, "a string")
	}
	text := value[1 : len(value)-1]
	if bytes.IndexByte(text, '\\') >= 0 { // some write \/ for a slash
		s, err := jsonscan.String(value, jsonscan.Field{End: len(value)})
		if err != nil {
			return in, invalidType(path, "a string")
		}
		text = []byte(s)
	}
	if !bytes.HasPrefix(text, []byte("data:")) {
		in.URL = string(text)
		return in, checkAddress(in.URL, path)
	}
	head, data, ok := bytes.Cut(text[len("data:"):], []byte(";base64,"))
	if !ok || len(data) == 0 || !isBase64(data) {
		return in, invalidValue(path, "The image is not a valid base64 data URL.")
	}
	in.Type, in.Data = strings.ToLower(string(head)), data
	if found := imageType(in.head()); found == "" || in.Type != found && in.Type != "image/jpg" {
		return in, fileType(path)
	}
	return in, nil
}

// head is the beginning of the picture, enough to know its type by.
func (in *MediaInput) head() []byte {
	var out [12]byte
	n, _ := base64.StdEncoding.Decode(out[:], in.Data[:min(len(in.Data)&^3, 16)])
	return out[:n]
}

// isBase64 reports whether text is standard base64 with its padding.
func isBase64(text []byte) bool {
	if len(text)%4 != 0 {
		return false
	}
	end := len(bytes.TrimRight(text, "="))
	if len(text)-end > 2 {
		return false
	}
	for _, c := range text[:end] {
		if !base64Letters[c] {
			return false
		}
	}
	return true
}

var base64Letters = func() (out [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		out[c] = true
	}
	return out
}()

// imageType tells a picture's type by its first bytes, whatever it is called; "" for all that is not taken.
func imageType(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "image/webp"
	}
	return ""
}

func fileType(param string) error {
	return &RequestError{Message: "The file is not a picture in PNG, JPEG or WebP.", Param: param, Code: CodeFileType}
}
