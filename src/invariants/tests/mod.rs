mod cases;
mod tale;
