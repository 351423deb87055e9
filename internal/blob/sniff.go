package blob

import (
	"bytes"
	"mime"
	"net/http"
)

// unknown is the type of what is only handed out as a download.
const unknown = "application/octet-stream"

// extensions of the types that a browser may show: pictures, sound and video in which nothing runs. SVG and HTML are not
// among them, whatever made them.
var extensions = map[string]string{
	"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif", "video/mp4": ".mp4",
	"video/webm": ".webm", "audio/mpeg": ".mp3", "audio/wave": ".wav", "audio/aiff": ".aiff", "application/ogg": ".ogg",
}

// Sniff tells a file's type by its first bytes; application/octet-stream for all that is not to be shown.
func Sniff(content []byte) string {
	found, _, err := mime.ParseMediaType(http.DetectContentType(content))
	if _, ok := extensions[found]; err == nil && ok {
		return found
	}
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfb")), bytes.HasPrefix(content, []byte("\xff\xf3")):
		return "audio/mpeg" // without tags
	case len(content) >= 12 && string(content[4:8]) == "ftyp" && films[string(content[8:12])]:
		return "video/mp4"
	}
	return unknown
}

// films are the brands of MP4 files that the standard algorithm does not know.
var films = map[string]bool{
	"isom": true, "iso2": true, "iso4": true, "iso5": true, "iso6": true, "mp41": true, "mp42": true, "avc1": true, "dash": true,
}
