package wire

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// FileBearer is an ability of a format: its requests may name files that their callers brought before.
type FileBearer interface {
	// Files lists the files that a request names, in its order. a is what Peek returned for body. The error is a *fault.Error
	// that names the field.
	Files(body []byte, a *Ask) ([]FileRef, error)
	// Inline returns what a request says instead of a name to have the file itself along, and how many input tokens that can
	// be beyond what Peek counts for what is no text. The error is a *fault.Error that names the field.
	Inline(body []byte, ref *FileRef, f *FileContent) (text []byte, tokens int64, err error)
}

// FileRef is a file that a request names.
type FileRef struct {
	// File is the one that the name stands for; zero: it is no name of ours.
	File id.ID
	// Path is where the name stands.
	Path string
	// Place is what of the body is exchanged for the file.
	Place jsonscan.Field
	// Image says that only a picture can stand there.
	Image bool
}

// FileContent is a file that is put into a request.
type FileContent struct {
	Name      string
	MediaType string // such as application/pdf
	Data      []byte
}

// The longest spellings of what stands before and behind the underscore of file_id, where each letter is an escape.
const (
	mostBefore = len("file") * len(`\u0066`)
	mostBehind = len("id") * len(`\u0066`)
)

// NamesFiles reports whether a request may name files: whether file_id stands in it, in whatever spelling. Underscores are
// rare, so this costs nearly nothing where it does not.
func NamesFiles(body []byte) bool {
	for at := 0; ; at++ {
		n := bytes.IndexByte(body[at:], '_')
		if n < 0 {
			return escapesUnderscore(body)
		}
		at += n
		before, behind := body[max(0, at-mostBefore):at], body[at+1:min(len(body), at+1+mostBehind)]
		if endsFile(before) && beginsID(behind) {
			return true
		}
	}
}

func endsFile(b []byte) bool {
	return bytes.HasSuffix(b, []byte("file")) || bytes.IndexByte(b, '\\') >= 0
}

func beginsID(b []byte) bool {
	return bytes.HasPrefix(b, []byte("id")) || bytes.IndexByte(b, '\\') >= 0
}

// escapesUnderscore reports whether an underscore may be written as an escape, which nearly nobody does.
func escapesUnderscore(b []byte) bool {
	code := []byte("005")
	for {
		at := bytes.Index(b, code)
		if at < 0 || at+len(code) >= len(b) {
			return false
		}
		if b = b[at+len(code):]; b[0]|0x20 == 'f' {
			return true
		}
	}
}
