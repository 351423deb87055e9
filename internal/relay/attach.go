package relay

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Files is what callers brought before; *files.Service is it.
type Files interface {
	// Get returns what is known of a file of an owner's. Code: not_found.
	Get(ctx context.Context, o identity.Owner, file id.ID) (files.File, error)
	// Read returns its content. Codes: not_found, storage_unavailable.
	Read(ctx context.Context, o identity.Owner, file id.ID) ([]byte, error)
}

// maxAttached is how many files a request may name.
const maxAttached = 100

var (
	errAttachment  = fault.New(http.StatusNotFound, "file_not_found", "There is no such file, or it has expired.")
	errAttachments = fault.New(http.StatusRequestEntityTooLarge, "body_too_large", "The request is too large with the files that it names.")
	errManyFiles   = fault.ErrInvalid.Saying("The request names too many files.")
)

// attachment is a file that the request names, and how long it is in it.
type attachment struct {
	ref  wire.FileRef
	file files.File
}

// attachFiles puts the files that a request names into it. They are its caller's, and go to upstreams as what they are: no
// account there has them. Most requests name none, which costs one search for an underscore. Codes: file_not_found,
// invalid_parameter, body_too_large, storage_unavailable, each with the path of the name.
func (c *call) attachFiles() error {
	if c.files == nil || !wire.NamesFiles(c.body) {
		return nil
	}
	bearer, ok := c.op.Format.(wire.FileBearer)
	if !ok {
		return nil
	}
	refs, err := bearer.Files(c.body, &c.ask)
	if err != nil || len(refs) == 0 {
		return err
	}
	found, err := c.findFiles(refs)
	if err != nil {
		return err
	}
	return c.inline(bearer, found)
}

// findFiles looks for what is named, before anything of it is read, so that no memory is taken for what is refused.
func (c *call) findFiles(refs []wire.FileRef) ([]attachment, error) {
	if len(refs) > maxAttached {
		return nil, errManyFiles.At(refs[maxAttached].Path)
	}
	out, size := make([]attachment, len(refs)), int64(len(c.body))
	for i, ref := range refs {
		f, err := c.fileOf(&ref)
		if err != nil {
			return nil, err
		}
		if size += int64(base64.StdEncoding.EncodedLen(int(f.Size))); size > c.mostWithFiles() {
			return nil, errAttachments.At(ref.Path)
		}
		out[i] = attachment{ref, f}
	}
	return out, nil
}

func (c *call) fileOf(ref *wire.FileRef) (files.File, error) {
	if ref.File.IsZero() {
		return files.File{}, errAttachment.At(ref.Path)
	}
	f, err := c.files.Get(c.ctx(), c.owner(), ref.File)
	return f, missingFile(err, ref)
}

func missingFile(err error, ref *wire.FileRef) error {
	if errors.Is(err, fault.ErrNotFound) {
		return errAttachment.At(ref.Path)
	}
	return err
}

// mostWithFiles is how large a request may become by the files that it names.
func (c *call) mostWithFiles() int64 {
	if c.op.Format.Kind() == inference.Messages {
		return c.maxBody()
	}
	return max(c.limits.MaxBody, c.limits.MaxMediaBody)
}

// inline writes the request anew, with the files in it.
func (c *call) inline(bearer wire.FileBearer, found []attachment) error {
	edits, spared := make([]jsonscan.Edit, len(found)), int64(0)
	for i := range found {
		a := &found[i]
		content, err := c.files.Read(c.ctx(), c.owner(), a.file.ID)
		if err != nil {
			return missingFile(err, &a.ref)
		}
		text, tokens, err := bearer.Inline(c.body, &a.ref, &wire.FileContent{Name: a.file.Name, MediaType: a.file.Type(content), Data: content})
		if err != nil {
			return err
		}
		spared += int64(len(text)) - tokens
		edits[i] = jsonscan.Edit{Field: a.ref.Place, Text: text}
	}
	body := jsonscan.Apply(nil, c.body, edits...)
	ask, err := c.op.Format.Peek(body)
	if err != nil {
		return err
	}
	c.body, c.ask, c.spared = body, ask, spared
	c.spare()
	return nil
}

// spare takes what is known to be no text off the bound of the input: a hold for every byte of a picture would be a thousand
// times what it costs.
func (c *call) spare() { c.ask.InputBound = max(0, c.ask.InputBound-c.spared) }
