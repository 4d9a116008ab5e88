package backups

// The operations on a shelf, grouped by subject. Each part is the shelf with the methods
// of one subject.
type (
	// Maker makes backups and removes unfinished ones.
	Maker struct{ *Shelf }
	// Nights runs the scheduled jobs, and reports the results.
	Nights struct{ *Shelf }
	// Pruner removes backups that retention does not keep.
	Pruner struct{ *Shelf }
	// Offsite updates, prunes and verifies the offsite copies.
	Offsite struct{ *Shelf }
	// Driller runs drills.
	Driller struct{ *Shelf }
	// Prover verifies backups and records the results.
	Prover struct{ *Shelf }
	// Binlog manages the binlog archive.
	Binlog struct{ *Shelf }
	// InPlace runs the actions of the Backups tab, and reports the result in one sentence.
	InPlace struct{ *Shelf }
)

// Maker returns the part that makes backups.
func (sh *Shelf) Maker() Maker { return Maker{sh} }

// Nights returns the part that runs the scheduled jobs.
func (sh *Shelf) Nights() Nights { return Nights{sh} }

// Pruner returns the part that prunes backups.
func (sh *Shelf) Pruner() Pruner { return Pruner{sh} }

// Offsite returns the part for the copies.
func (sh *Shelf) Offsite() Offsite { return Offsite{sh} }

// Driller returns the part that runs drills.
func (sh *Shelf) Driller() Driller { return Driller{sh} }

// Prover returns the part that verifies backups.
func (sh *Shelf) Prover() Prover { return Prover{sh} }

// Binlog returns the part for the binlog archive.
func (sh *Shelf) Binlog() Binlog { return Binlog{sh} }

// InPlace returns the part for the Backups tab.
func (sh *Shelf) InPlace() InPlace { return InPlace{sh} }
