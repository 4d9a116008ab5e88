package backups

// What can be done with a shelf, by what changes together. Each part is the shelf with
// the verbs of one subject.
type (
	// Maker makes backups and clears away what was left half made.
	Maker struct{ *Shelf }
	// Nights runs what is scheduled, and says how it went.
	Nights struct{ *Shelf }
	// Pruner removes what retention does not keep.
	Pruner struct{ *Shelf }
	// Offsite brings copies elsewhere up to date, prunes and verifies them.
	Offsite struct{ *Shelf }
	// Driller rehearses restores.
	Driller struct{ *Shelf }
	// Prover reads backups and remembers what it found.
	Prover struct{ *Shelf }
	// Binlog keeps the archive of the binary log.
	Binlog struct{ *Shelf }
	// InPlace does what the Backups tab asks for, and says in one sentence what came of it.
	InPlace struct{ *Shelf }
)

// Maker makes backups.
func (sh *Shelf) Maker() Maker { return Maker{sh} }

// Nights runs what is scheduled.
func (sh *Shelf) Nights() Nights { return Nights{sh} }

// Pruner removes backups.
func (sh *Shelf) Pruner() Pruner { return Pruner{sh} }

// Offsite looks after the copies.
func (sh *Shelf) Offsite() Offsite { return Offsite{sh} }

// Driller rehearses restores.
func (sh *Shelf) Driller() Driller { return Driller{sh} }

// Prover verifies backups.
func (sh *Shelf) Prover() Prover { return Prover{sh} }

// Binlog keeps the binary log.
func (sh *Shelf) Binlog() Binlog { return Binlog{sh} }

// InPlace is for the Backups tab.
func (sh *Shelf) InPlace() InPlace { return InPlace{sh} }
