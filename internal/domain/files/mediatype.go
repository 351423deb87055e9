package files

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"
)

// unknownType is what a file is of which nothing is known.
const unknownType = "application/octet-stream"

// magics are how contents begin that are of one type only. What they are is not taken from who brings them.
var magics = []struct {
	begin string
	media string
}{
	{"%PDF-", "application/pdf"}, {"\x89PNG\r\n\x1a\n", "image/png"}, {"\xff\xd8\xff", "image/jpeg"}, {"GIF87a", "image/gif"}, {"GIF89a", "image/gif"},
}

// byName are the types of contents that only their names tell apart.
var byName = map[string]string{
	".txt": "text/plain", ".md": "text/markdown", ".csv": "text/csv", ".html": "text/html", ".htm": "text/html", ".xml": "text/xml",
	".json": "application/json", ".jsonl": "application/jsonl", ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".mp3":  "audio/mpeg", ".wav": "audio/wav", ".mp4": "video/mp4",
}

// Type is what the file is, which is looked for in its content where nobody noted it.
func (f *File) Type(content []byte) string {
	if f.MediaType == unknownType {
		return mediaType(f.Name, "", content)
	}
	return f.MediaType
}

// mediaType tells what a file is: by how it begins, by its name, by what it was said to be, or else whether it is a text.
// Nothing is taken for a picture or a PDF that does not begin like one.
func mediaType(name, said string, content []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(content, []byte(m.begin)) {
			return m.media
		}
	}
	text := utf8.Valid(content) && bytes.IndexByte(content, 0) < 0
	found := byName[strings.ToLower(path.Ext(name))]
	if found == "" {
		found = cleanType(said)
	}
	switch {
	case len(content) >= 12 && string(content[:4]) == "RIFF" && string(content[8:12]) == "WEBP":
		return "image/webp"
	case found != "" && (text || !strings.HasPrefix(found, "text/")):
		return found
	case text:
		return "text/plain"
	}
	return unknownType
}

// cleanType is a media type that somebody says, without parameters; "" for what is none, and for what begins like nothing else.
func cleanType(said string) string {
	const longest = 100
	said, _, _ = strings.Cut(said, ";")
	said = strings.ToLower(strings.TrimSpace(said))
	major, minor, ok := strings.Cut(said, "/")
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789.+-"
	switch {
	case !ok || len(said) > longest || major == "" || minor == "" || strings.Trim(major+minor, letters) != "":
		return ""
	case major == "image", said == "application/pdf", said == unknownType, major == "multipart":
		return ""
	}
	return said
}
