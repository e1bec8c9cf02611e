//! From the two partitions to lines of output.

use bitfab_board_platform as platform;
use bitfab_runtime::{Layer, Model, Observer, Output, digest};

use crate::console::Console;
use crate::row::{Memory, Row};
use crate::{Images, Stop, counted};

/// Runs every image and prints.
///
/// # Errors
/// [`Stop`] at the first thing that is wrong; nothing else is printed after it.
pub fn run(board: &str, console: &mut Console) -> Result<(), Stop> {
    console.line(format_args!("board {board}"));
    let model = Model::at_start(platform::model())?;
    let (bytes, layers) = (size_of_val(model.words()), model.layer_count());
    console.line(format_args!("model {bytes} bytes {layers} layers"));
    let arena = platform::take_arena().ok_or(Stop::ArenaTaken)?;
    let (need, have) = (model.arena_words() * size_of::<u32>(), size_of_val(arena));
    console.line(format_args!("arena {need} bytes of {have}"));
    let images = Images::new(platform::images())?;
    let mut memory = Memory::new(&model, arena, images.values)?;
    let mut done = 0;
    for (index, image) in images.iter().enumerate() {
        let row = Row::new(image, images.values)?;
        if index < images.counted {
            counted(&model, row, &mut memory)?;
        }
        let mut digests = Digests { image: index, console: images.digests.then_some(&mut *console) };
        let output = memory.run(&model, row, &mut digests)?;
        print(console, index, &output);
        let clamped = output.clamped();
        if let Some(digest) = memory.coded() {
            console.line(format_args!("input {index} {digest:08x} clamped {clamped}"));
        }
        done += 1;
    }
    console.line(format_args!("done {done}"));
    Ok(())
}

/// Prints the digest of every layer, if there is a console for it.
struct Digests<'a> {
    image: usize,
    console: Option<&'a mut Console>,
}

impl Observer for Digests<'_> {
    fn after(&mut self, layer: &Layer<'_>, output: &[u32]) {
        if let Some(console) = &mut self.console {
            console.line(format_args!("digest {} {} {:08x}", self.image, layer.index, digest(output)));
        }
    }
}

/// Prints the scores, or the words of a packed output.
fn print(console: &mut Console, image: usize, output: &Output<'_>) {
    if output.tensor().kind.is_packed() {
        console.text(format_args!("image {image} packed"));
        output.words().iter().for_each(|word| console.text(format_args!(" {word:08x}")));
    } else {
        console.text(format_args!("image {image} class {} scores", output.arg_max()));
        output.scores().for_each(|score| console.text(format_args!(" {score}")));
    }
    console.end_line();
}
