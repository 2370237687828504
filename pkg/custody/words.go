package custody

// words are the list for reading fingerprints aloud, two halves of 256: those of even positions begin with a to l,
// those of odd positions with m to z, so that a word left out, said twice or exchanged with its neighbour is heard at
// once. Within a half any two differ in three letters or more, and no two begin with the same four.
const (
	wordsEven = `
abacus academy acorn acrobat agent airport alarm alley almond alphabet alpine amber anchor angle antenna anvil apron
aquarium arcade armor artist aspen asphalt athlete atlas attic autumn avenue awning backpack badge baker balloon
bamboo banana banjo barrel bathtub battery beach bedrock beetle bicycle biscuit blanket blossom boiler bonfire
bracelet bread bronze broom brush bucket buffalo bulldog burrow button cabbage cabin cactus calendar camera canoe
canvas caravan cargo carpet cashew castle catalog cedar cement chalk chapel cherry chess chimney chipmunk cinema
cinnamon circle citrus clarinet clay cliff clover cobalt cobra coconut coffee collar compass concert copper cousin
coyote cradle crayon cricket crown crystal cube cucumber cupboard curtain cushion cypress daisy dancer dawn deer
denim dentist diamond doctor dolphin domino donkey doorway drawer drizzle drum duck dynamo easel echo eclipse elbow
elder elephant elevator emerald engine engraver envelope equator estate evening exit fabric factory falafel falcon
family father fence fiddle field fiesta figure filter firefly flame flannel flint folklore forest fossil fountain
freckle freight fruit furnace galaxy garage garden garlic gazelle gearbox geyser giant ginger giraffe glacier glass
globe glossary goblet gondola gorilla granite gravel guitar gymnast hammock harvest hatchet haystack hedgehog helmet
hexagon hickory horizon hornet hospital hotel house hunter husky hydrant hyena iceberg igloo impala indigo inkwell
insect invoice iris island ivory jackpot jaguar jasmine javelin jelly jester jewel jigsaw journal juggler juice
jukebox junior kangaroo kayak kennel keyboard keyhole kidney kingdom kitchen koala ladder ladybug lagoon landmark
lantern laptop laundry lava lavender lemon leopard lettuce library lilac limerick linen lizard lobster lotus lullaby
lunch lyric
`

	wordsOdd = `
macaroni magnet magpie mailbox mandolin mango mantle marathon margin marsh mason meadow medal member mentor mercury
midnight milk mineral mirror mitten mobile molasses monarch monkey monsoon moose morning mosaic mountain muffin
museum mushroom mustard napkin narrow nectar needle nephew nest network nickel nomad north notebook novel nutmeg
oasis oatmeal obelisk ocean octopus office olive omelet onion opal opera orange orbit orchard ostrich otter overcoat
oxygen paddle palace pamphlet pancake panda panther papaya paper passport pasture patio pavilion peanut pebble
pelican pencil penguin perfume piano picnic pigeon pillow pinecone pioneer pirate plaster platinum plaza plum pocket
pollen pony poplar portrait postcard potato powder prairie present princess prism pumpkin puppet purple pyramid
quail quarry queen quiver rabbit raccoon radar radish raft railway rainbow raisin ranch raven reactor record reef
remedy reptile ribbon rice robin rooster rubber ruby rucksack runway saffron sailor salad salmon sapphire saturn
saucer sausage sawdust scarf school scooter scout seagull seaweed sequoia sheriff shrimp shutter sierra silver siren
sketch skillet skunk slipper smoke snow soda soldier sonnet spade spinach spoon spruce square squirrel stable
stadium stairway starfish station steam student sugar sulphur summer sundial surgeon swallow swan sweater symbol
syrup talent tapestry teacher teapot temple tennis thermos thistle throne thunder tiger tinsel toast toboggan
tomahawk tornado tortoise treasure triangle trombone trumpet tulip tundra turbine turkey tuxedo twilight typhoon
ukulele umbrella unicorn upland urchin valley vanilla velvet veranda vessel victory village vinegar violet vision
volcano voyage vulture waffle walnut warbler wedding wheat widow winter wizard wolf wombat worker yacht yard yogurt
zebra zenith zephyr zinc zodiac
`
)
