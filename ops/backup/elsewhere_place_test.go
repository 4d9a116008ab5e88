package backup

import (
	"strings"
	"testing"
)

// Two services may call their copies alike: what is known of one place says
// nothing of the other.
func TestCopiesOfOneNameAtTwoPlacesStayApart(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"offsite", strings.Repeat("异地", 60)} {
		for _, place := range []string{"rsync a", "rsync b"} {
			l := Listing{Copy: name, Target: place, Files: []FileAtCopy{{Name: place}}}
			if err := WriteListing(dir, l); err != nil {
				t.Fatal(err)
			}
			r := CopyRecord{Copy: name, Target: place, Name: "f", Size: 1, SHA256: place, Good: true}
			if err := AppendCopy(dir, r); err != nil {
				t.Fatal(err)
			}
		}
		for _, place := range []string{"rsync a", "rsync b"} {
			l, err := ReadListing(dir, name, place)
			if err != nil || l.Target != place || len(l.Files) != 1 || l.Files[0].Name != place {
				t.Errorf("the listing of %s: %+v, %v", place, l, err)
			}
			known, err := ReadCopies(dir, map[string]string{name: place})
			if err != nil || !known.Of(name, "f", place, 1) || len(known[name]) != 1 {
				t.Errorf("known of %s: %+v, %v", place, known, err)
			}
		}
		never, err := ReadListing(dir, name, "rsync c")
		if err != nil || len(never.Files) != 0 {
			t.Errorf("of a place never looked at: %+v, %v", never, err)
		}
		known, err := ReadCopies(dir, map[string]string{name: "rsync c"})
		if err != nil || known.Of(name, "f", "rsync a", 1) || known.Of(name, "f", "rsync b", 1) {
			t.Errorf("of a place never read back: %+v, %v", known, err)
		}
	}
}
