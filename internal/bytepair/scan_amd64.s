#include "go_asm.h"
#include "textflag.h"

// func scan(text *byte, n int, p *Pair) int
TEXT ·scan(SB), NOSPLIT, $0-32
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ p+16(FP), DI
	MOVQ Pair_gap(DI), DX
	ADDQ SI, DX
	VPBROADCASTB Pair_first(DI), Y0
	VPBROADCASTB Pair_second(DI), Y1
	VPBROADCASTB Pair_foldFirst(DI), Y2
	VPBROADCASTB Pair_foldSecond(DI), Y3
	VPBROADCASTB Pair_stop(DI), Y4
	XORQ AX, AX

next:
	VMOVDQU (SI)(AX*1), Y5
	VMOVDQU (DX)(AX*1), Y6
	VPCMPEQB Y5, Y4, Y7
	VPOR Y5, Y2, Y5
	VPOR Y6, Y3, Y6
	VPCMPEQB Y5, Y0, Y5
	VPCMPEQB Y6, Y1, Y6
	VPAND Y5, Y6, Y5
	VPOR Y5, Y7, Y5
	VPMOVMSKB Y5, BX
	TESTL BX, BX
	JNZ found
	ADDQ $32, AX
	CMPQ AX, CX
	JLT next
	VZEROUPPER
	MOVQ CX, ret+24(FP)
	RET

found:
	BSFL BX, BX
	ADDQ BX, AX
	VZEROUPPER
	MOVQ AX, ret+24(FP)
	RET
