// The first module of the page.
import "./components/app.js";
