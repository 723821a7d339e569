from tests.toys import Rps, Wheel, pick, play, spec
async def test_x():
    e = await play(pick)
    print(e.status, e.reason, len(e.steps))
    e = await play(pick, spec(Rps))
    print(e.status, e.reason, len(e.steps))
