package files

import "testing"

func TestFilesAreWhatTheyBeginLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, said, content, want string }{
		{"a.txt", "text/plain", "%PDF-1.7", "application/pdf"},
		{"a.png", "image/png", "no picture", "text/plain"},
		{"a.png", "image/png", "\x00\x01", "application/octet-stream"},
		{"a", "", "\x89PNG\r\n\x1a\nx", "image/png"},
		{"a", "", "\xff\xd8\xffx", "image/jpeg"},
		{"a", "", "GIF89a", "image/gif"},
		{"a", "", "RIFF\x00\x00\x00\x00WEBP", "image/webp"},
		{"a.MD", "", "# x", "text/markdown"},
		{"a.txt", "", "\xff\xfe", "application/octet-stream"},
		{"a.bin", "audio/FLAC; x=y", "\x00", "audio/flac"},
		{"a", "text/html", "<p>", "text/html"},
		{"a", "text/html", "\x00", "application/octet-stream"},
		{"a", "x", "é", "text/plain"},
		{"a", "a/\"b", "x", "text/plain"},
		{"a", "application/pdf", "x", "text/plain"},
		{"a.json", "", "{}", "application/json"},
		{"", "", "", "text/plain"},
	} {
		if got := mediaType(c.name, c.said, []byte(c.content)); got != c.want {
			t.Errorf("%+v is %s", c, got)
		}
	}
	old := File{Name: "a.pdf", MediaType: unknownType}
	if got := old.Type([]byte("%PDF-1")); got != "application/pdf" {
		t.Errorf("one of which nothing was noted is %s", got)
	}
}
