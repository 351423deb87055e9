package protocols

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

const (
	// uploadWithin is how long a file may take to arrive.
	uploadWithin = 10 * time.Minute
	// formRoom is what a form may take besides the file.
	formRoom  = 64 << 10
	maxParts  = 8
	maxField  = 512
	maxHeader = 4 << 10
	maxRange  = 64
)

// noTime is of files that say nothing of when they changed, since they never do.
var noTime time.Time

var (
	errForm      = fault.New(http.StatusBadRequest, "malformed_request", "The form cannot be read, or has too many parts.")
	errFormType  = fault.ErrMediaType.Saying("Send the file as multipart/form-data.")
	errCompress  = fault.New(http.StatusUnsupportedMediaType, "unsupported_encoding", "The request body must not be compressed.")
	errNoFile    = fault.ErrInvalid.Saying("Missing required parameter: 'file'.").At("file")
	errNoPurpose = fault.ErrInvalid.Saying("Missing required parameter: 'purpose'.").At("purpose")
	errTwice     = fault.New(http.StatusBadRequest, "duplicate_key", "A parameter is given more than once.")
)

// readUpload reads the form that a file comes in. Codes: malformed_request, invalid_parameter, duplicate_key,
// unsupported_media_type, file_too_large.
func (s *surface) readUpload(w http.ResponseWriter, req *http.Request) (*files.New, error) {
	if e := req.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, errCompress
	}
	kind, parameters, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, errFormType
	}
	if parameters["boundary"] == "" {
		return nil, errForm
	}
	if req.ContentLength > s.MaxFile+formRoom {
		w.Header().Set("Connection", "close") // or the server waits for the rest of it
		return nil, files.ErrTooLarge
	}
	_ = http.NewResponseController(w).SetReadDeadline(s.Now().Add(uploadWithin))
	form := upload{file: &files.New{}, most: s.MaxFile}
	if speaksAnthropic(req) { // whose files have no purpose
		form.file.Purpose = files.UserData
	}
	return form.read(multipart.NewReader(http.MaxBytesReader(w, req.Body, s.MaxFile+formRoom), parameters["boundary"]))
}

// upload collects what a form says.
type upload struct {
	file   *files.New
	most   int64
	has    bool
	anchor string
	after  string
	in     string // expires_in_seconds, as Anthropic's clients say it
	seen   map[string]bool
}

func (u *upload) read(form *multipart.Reader) (*files.New, error) {
	u.seen = map[string]bool{}
	for n := 0; ; n++ {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) && n > 0 {
			return u.end()
		}
		if err != nil || n == maxParts {
			return nil, tooLargeOr(err, errForm)
		}
		if err := u.add(part); err != nil {
			return nil, err
		}
	}
}

// tooLargeOr says why reading ended.
func tooLargeOr(err error, otherwise error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return files.ErrTooLarge
	}
	return otherwise
}

func (u *upload) add(part *multipart.Part) error {
	size := 0
	for name, values := range part.Header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	name := part.FormName()
	if size > maxHeader || name == "" || len(part.Header["Content-Disposition"]) > 1 {
		return errForm
	}
	if u.seen[name] {
		return errTwice.At(printable(name))
	}
	u.seen[name] = true
	if name == "file" {
		return u.addFile(part)
	}
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	switch {
	case err != nil:
		return tooLargeOr(err, errForm)
	case len(value) > maxField || !utf8.Valid(value):
		return fault.ErrInvalid.Saying("The parameter is too long or not a text.").At(printable(name))
	}
	switch name {
	case "purpose":
		u.file.Purpose = files.Purpose(value)
	case "expires_after[anchor]":
		u.anchor = string(value)
	case "expires_after[seconds]":
		u.after = string(value)
	case "expires_in_seconds":
		u.in = string(value)
	default:
		return fault.ErrInvalid.Saying("There is no such parameter.").At(printable(name))
	}
	return nil
}

// mostIn is the longest that Anthropic's clients may want a file for. Files are kept for less.
const mostIn = 90 * 24 * time.Hour

var errIn = fault.ErrInvalid.Saying("Input should be from 3600 to 7776000").At("expires_in_seconds")

// endIn reads for how long a file is wanted, as Anthropic's clients say it.
func (u *upload) endIn() (*files.New, error) {
	n, err := strconv.ParseInt(u.in, 10, 32)
	within := time.Duration(n) * time.Second
	if err != nil || within < files.LeastExpiry || within > mostIn || u.after != "" || u.anchor != "" {
		return nil, errIn
	}
	u.file.ExpiresAfter = min(within, files.MostExpiry)
	return u.file, nil
}

// printable keeps a caller's text from making a message unreadable.
func printable(name string) string {
	if len(name) > 64 || !utf8.ValidString(name) {
		return "?"
	}
	return strconv.Quote(name)[1 : len(strconv.Quote(name))-1]
}

func (u *upload) addFile(part *multipart.Part) error {
	content, err := io.ReadAll(io.LimitReader(part, u.most+1))
	switch {
	case err != nil:
		return tooLargeOr(err, errForm)
	case int64(len(content)) > u.most:
		return files.ErrTooLarge
	}
	u.has, u.file.Content, u.file.Name = true, content, part.FileName()
	u.file.MediaType = part.Header.Get("Content-Type")
	return nil
}

// end checks what the form says together.
func (u *upload) end() (*files.New, error) {
	switch {
	case !u.has:
		return nil, errNoFile
	case u.file.Purpose == "":
		return nil, errNoPurpose
	case u.in != "":
		return u.endIn()
	case u.after == "" && u.anchor == "":
		return u.file, nil
	}
	n, err := strconv.ParseInt(u.after, 10, 32)
	if err != nil || n <= 0 || u.anchor != "created_at" {
		return nil, files.ErrExpiry
	}
	u.file.ExpiresAfter = time.Duration(n) * time.Second
	return u.file, nil
}
